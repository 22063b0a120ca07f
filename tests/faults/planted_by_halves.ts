// What is there by halves (I6): effects and records, ends, keys; and answers that may not be.

import { ids, seal } from './healthy.ts'
import type { Entry } from './ledger.ts'
import { answerTo, drop, dropFact, type Planted } from './planting.ts'

export const byHalves: Planted[] = [
  [
    'an assertion is used up by a request that left no record',
    'I6',
    /assertion was used up/,
    (history) => drop(history, ({ token }) => token === ids.lost),
  ],
  [
    'a proof is used up by a request that left no record',
    'I6',
    /proof was used up/,
    (history) => drop(history, ({ token }) => token === ids.lost),
  ],
  [
    'a refused request had its effect',
    'I6',
    /refused, and recorded as token.issued/,
    (history) => {
      answerTo(history, ({ proof }) => proof === `p ${ids.afterBack}`).status = 400
    },
  ],
  [
    'a token that nobody asked for is recorded',
    'I6',
    /nobody asked for/,
    async ({ now }) => {
      const found = now.log.records.find(({ leaf }) => leaf.token === ids.live)
      if (found) now.log.records.push({ ...found, leaf: { ...found.leaf, trace_id: 'f'.repeat(32) } })
      await seal(now)
    },
  ],
  [
    'an agent is there without a record',
    'I6',
    /is there without a record/,
    ({ now }) => void now.agents.set(ids.unsure, { handle: 'half', status: 'active', epoch: 0 }),
  ],
  [
    'an agent is recorded and not there',
    'I6',
    /is recorded and not there/,
    (history) => {
      history.now.agents.delete(ids.made)
    },
  ],
  [
    'a delegation is there without a record',
    'I6',
    /is there without a record/,
    ({ now }) => void now.delegations.set('dlg_half', { hash: 'C'.repeat(43), alive: true }),
  ],
  [
    'a token rests on a statement that is not there',
    'I6',
    /statement E+ is recorded and not there/,
    ({ now }) => void now.delegations.delete(ids.exchanged),
  ],
  [
    'a fact is there without a record',
    'I6',
    /without a record/,
    ({ now }) => {
      const [fact] = now.feed.facts
      if (fact) now.feed.facts.push({ ...fact, seq: 5, id: ids.lost })
      now.feed.head = now.feed.facts.length
    },
  ],
  [
    'an end is recorded and not in the feed',
    'I6',
    /not ended in the feed/,
    (history) => dropFact(history, ids.exchanged),
  ],
  [
    'an agent is ended twice, and once was recorded',
    'I6',
    /2 facts and 1 records/,
    ({ now }) => {
      const fact = now.feed.facts.find(({ id }) => id === ids.stopped)
      if (fact) now.feed.facts.push({ ...fact, seq: now.feed.facts.length + 1, epoch: 2 })
    },
  ],
  [
    'an acknowledged new end has no fact of its own',
    'I6',
    /1 facts; 2 were acknowledged as new/,
    (history) => {
      const end = answerTo(history, (wish) => wish.do === 'suspend' && wish.id === ids.stopped)
      const wish = { do: 'suspend', id: ids.stopped, trace: 'e'.repeat(32) } as const
      history.entries.push({ says: 'asked', n: 99, atMs: 0, wish }, { ...end, n: 99 })
    },
  ],
  [
    'an agent came back, and its record did not',
    'I6',
    /times more than it came back/,
    (history) => drop(history, ({ type }) => type === 'standing.restored'),
  ],

  [
    'a key that was acknowledged is gone',
    'I1',
    /key sgk_\S+ is undefined/,
    ({ now }) => void now.keys.delete(ids.nextKey),
  ],
  [
    'a key that was acknowledged is not shown',
    'I1',
    /is prepared/,
    ({ now }) => void now.keys.set(ids.nextKey, 'prepared'),
  ],
  [
    'a key is recorded and not there',
    'I6',
    /is recorded and not there/,
    ({ now }) => void now.keys.delete(ids.nextKey),
  ],
  [
    'the record of a key is lost',
    'I4',
    /no record of key/,
    (history) => drop(history, ({ type }) => type === 'signing_key.changed'),
  ],
  [
    'a key is there without a record',
    'I6',
    /there without a record/,
    (history) => drop(history, ({ type }) => type === 'signing_key.changed'),
  ],
  [
    'a key is published without a record',
    'I6',
    /published without a record/,
    async (history) => {
      await drop(history, ({ type }) => type === 'signing_key.changed')
      await drop(history, ({ type }) => type === 'signing_key.changed')
    },
  ],
  ['two keys sign', 'I6', /2 keys sign/, ({ now }) => void now.keys.set(ids.nextKey, 'active')],
  ['no key signs', 'I6', /0 keys sign/, ({ now }) => void now.keys.set(ids.firstKey, 'retired')],

  [
    'a request hangs',
    'answers',
    /left without an answer/,
    ({ entries }) => {
      const lost = entries.find((entry) => entry.says === 'unanswered')
      if (lost?.says === 'unanswered') lost.why = 'TimeoutError'
    },
  ],
  [
    'a failure is answered with 500',
    'answers',
    /answered 500/,
    ({ entries }) => {
      const wish = { do: 'issue', id: ids.steady, trace: 'd'.repeat(32) } as const
      entries.push({ says: 'asked', n: 98, atMs: 0, wish })
      entries.push({
        says: 'answered',
        n: 98,
        atMs: 0,
        status: 500,
        code: 'internal_error',
        result: {},
      } satisfies Entry)
    },
  ],
]
