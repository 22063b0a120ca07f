// What verifiers accepted and must not have (I3).

import { type History, ids } from './healthy.ts'
import type { Wish } from './ledger.ts'
import { answerTo, type Planted } from './planting.ts'

/** The calls of one verifier that were let through. */
const permitted = ({ entries }: History, verifier: string) => {
  const run = entries.find((one) => one.says === 'judged' && one.verifier === verifier && one.verdict === 'permitted')
  if (run?.says !== 'judged') throw new Error('no such calls')
  return run
}
const ofStopped = (wish: Wish) => wish.do === 'suspend' && wish.id === ids.stopped

export const atVerifiers: Planted[] = [
  [
    'a verifier that is cut off goes on after its lease',
    'I3',
    /later than its lease/,
    (history) => void Object.assign(permitted(history, 'cut off'), { toMs: permitted(history, 'cut off').toMs + 60 }),
  ],
  [
    'a verifier goes on that may ask, and may not go on',
    'I3',
    /later than its lease/,
    (history) => void Object.assign(permitted(history, 'harmless'), { whenStale: 'introspect' }),
  ],
  [
    'a verifier that may go on with harmless calls goes on with others',
    'I3',
    /later than its lease/,
    (history) => void Object.assign(permitted(history, 'harmless'), { harmless: false }),
  ],
  [
    'all are said to know, and one does not',
    'I3',
    /cut off accepted .* said that all know/,
    (history) => void Object.assign(answerTo(history, ofStopped).result, { allKnow: true }),
  ],
  [
    'a verifier forgets',
    'I3',
    /connected accepted .* later than its lease/,
    (history) => {
      const run = permitted(history, 'connected')
      const atMs = run.toMs + 60_000
      history.entries.push({ ...run, fromMs: atMs, toMs: atMs })
    },
  ],
  [
    'a token is accepted that has expired',
    'I3',
    /after its expiry/,
    (history) => void Object.assign(permitted(history, 'harmless'), { toMs: 2_000_000 }),
  ],
  [
    'a token is accepted that was never given',
    'I3',
    /nobody was given/,
    (history) => void Object.assign(permitted(history, 'connected'), { jti: ids.lost }),
  ],
]
