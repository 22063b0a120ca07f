// The checker is what everything else in here rests on: each violation, planted alone, turns it red, and for its own reason.

import type { LeafType } from '@credence/protocol'
import { describe, expect, test } from 'vitest'
import { check, type Rule } from './check.ts'
import { type History, healthyHistory, ids, seal } from './healthy.ts'
import type { Entry, Wish } from './ledger.ts'

const asked = (history: History, wanted: (wish: Wish) => boolean) => {
  const entry = history.entries.find((one) => one.says === 'asked' && wanted(one.wish))
  if (entry?.says !== 'asked') throw new Error('no such request')
  return entry
}
const answerTo = (history: History, wanted: (wish: Wish) => boolean) => {
  const { n } = asked(history, wanted)
  const entry = history.entries.find((one) => one.says === 'answered' && one.n === n)
  if (entry?.says !== 'answered') throw new Error('no answer')
  return entry
}
const drop = ({ now }: History, wanted: (leaf: { type: LeafType; token?: string; subject?: string }) => boolean) => {
  const at = now.log.records.findIndex(({ leaf }) => wanted(leaf))
  expect(at).not.toBe(-1)
  now.log.records.splice(at, 1)
  return seal(now)
}
const dropFact = ({ now }: History, id: string) => {
  const at = now.feed.facts.findIndex((fact) => fact.id === id)
  now.feed.facts.splice(at, 1)
}
const tokenIn = (history: History, jti: string) => {
  const { result } = answerTo(history, (wish) => wish.proof === `p ${jti}`)
  if (!result.token) throw new Error('no token')
  return result.token
}

test('a history in which nothing is wrong is green', async () => {
  const { entries, now, before } = await healthyHistory()
  expect(await check(entries, now, before)).toEqual([])
  expect(await check(entries, now)).toEqual([])
})

/** What goes wrong, which rule says so, with which words, and how it is planted. */
type Planted = readonly [what: string, rule: Rule, says: RegExp, plant: (history: History) => void | Promise<void>]

const planted: Planted[] = [
  ['a revoked token is active', 'I1', /was revoked and is active/, ({ now }) => void now.active.set(ids.revoked, true)],
  ['nobody looked at a revoked token', 'I1', /nobody asked/, ({ now }) => void now.active.delete(ids.revoked)],
  ['a token of a suspended agent is active', 'I1', /rests on/, ({ now }) => void now.active.set(ids.ofStopped, true)],
  [
    'a token from before its agent came back lives',
    'I1',
    /rests on/,
    ({ now }) => void now.active.set(ids.ofBack, true),
  ],
  [
    'a token of a revoked delegation is active',
    'I1',
    /rests on/,
    ({ now }) => void now.active.set(ids.ofDelegation, true),
  ],
  [
    'a token that was issued is dead',
    'I1',
    /issued and is not active/,
    ({ now }) => void now.active.set(ids.live, false),
  ],
  ['an acknowledged fact is gone', 'I1', /fact 1 is gone/, (history) => dropFact(history, ids.revoked)],
  [
    'an acknowledged fact has another number',
    'I1',
    /fact 1 is gone/,
    ({ now }) => {
      const [first, second] = now.feed.facts
      if (first && second) [first.seq, second.seq] = [2, 1]
    },
  ],
  [
    'the head of the feed is below an acknowledged number',
    'I1',
    /below the acknowledged/,
    ({ now }) => {
      now.feed.head = 2
    },
  ],
  [
    'a suspended agent is active',
    'I1',
    /is active, and suspended was acknowledged/,
    ({ now }) => void now.agents.set(ids.stopped, { handle: 'stopped', status: 'active', epoch: 1 }),
  ],
  ['a suspended agent gets a token', 'I1', /gets a token/, ({ now }) => void now.granted.set(ids.stopped, true)],
  ['nobody tried a suspended agent', 'I1', /nobody tried/, ({ now }) => void now.granted.delete(ids.stopped)],
  [
    'a suspended agent was given a token after all',
    'I1',
    /a token was given after/,
    (history) => {
      const at = history.entries.findIndex((entry) => entry.says === 'asked' && entry.wish.do === 'resume')
      history.entries.splice(at, 2)
    },
  ],
  [
    'a token was given for a revoked delegation',
    'I1',
    /a token was given after/,
    (history) => {
      const token = asked(history, ({ proof }) => proof === `p ${ids.afterBack}`)
      token.wish.delegation = ids.revoked
    },
  ],
  ['an agent that came back gets none', 'I1', /gets no token/, ({ now }) => void now.granted.set(ids.back, false)],
  ['a revoked delegation gives a token', 'I1', /still gives/, ({ now }) => void now.granted.set(ids.exchanged, true)],
  ['nobody tried a revoked delegation', 'I1', /nobody tried/, ({ now }) => void now.granted.delete(ids.exchanged)],
  [
    'a revoked delegation is alive',
    'I1',
    /listed alive/,
    ({ now }) => void now.delegations.set(ids.exchanged, { hash: 'E'.repeat(43), alive: true }),
  ],
  [
    'a registered agent is gone',
    'I1',
    /was registered and is not there/,
    ({ now }) => void now.agents.delete(ids.made),
  ],
  [
    'a registered delegation is gone',
    'I1',
    /was registered and is not there/,
    ({ now }) => void now.delegations.delete(ids.registered),
  ],

  [
    'one assertion is answered with two tokens',
    'I2',
    /assertion succeeded twice/,
    (history) => {
      asked(history, ({ proof }) => proof === `p ${ids.afterBack}`).wish.assertion = `a ${ids.live}`
    },
  ],
  [
    'one proof is answered with two tokens',
    'I2',
    /proof succeeded twice/,
    (history) => {
      asked(history, ({ assertion }) => assertion === `a ${ids.afterBack}`).wish.proof = `p ${ids.live}`
    },
  ],
  [
    'an assertion works again after the crash',
    'I2',
    /used assertion was taken again/,
    (history) => {
      answerTo(history, ({ again, assertion }) => again === 'assertion' && assertion === 'a unsure').status = 200
    },
  ],
  [
    'a proof works again after the crash',
    'I2',
    /used proof was taken again/,
    (history) => {
      answerTo(history, ({ again }) => again === 'proof').status = 200
    },
  ],
  [
    'a replay is refused for another reason',
    'I2',
    /not for that/,
    (history) => {
      answerTo(history, ({ again }) => again === 'proof').code = 'proof_invalid'
    },
  ],
  [
    'one request has two effects',
    'I2',
    /several effects/,
    async ({ now }) => {
      const twice = now.log.records.find(({ leaf }) => leaf.token === ids.live)
      if (twice) now.log.records.push(twice)
      await seal(now)
    },
  ],

  ['a token has no record', 'I4', /no record of it/, (history) => drop(history, ({ token }) => token === ids.live)],
  [
    'a token’s record names another token',
    'I4',
    /no record of it/,
    async ({ now }) => {
      const found = now.log.records.find(({ leaf }) => leaf.token === ids.live)
      if (found) found.leaf = { ...found.leaf, token: ids.revoked }
      await seal(now)
    },
  ],
  [
    'a revocation has no record',
    'I4',
    /no record of it/,
    (history) => drop(history, ({ type, subject }) => type === 'revocation.made' && subject === ids.revoked),
  ],
  [
    'a resumption has no record',
    'I4',
    /no record of it/,
    (history) => drop(history, ({ type }) => type === 'standing.restored'),
  ],
  ['a place in the log is empty', 'I4', /missing/, ({ now }) => void now.log.records.splice(3, 1)],
  [
    'two records have one place',
    'I4',
    /or not in order/,
    ({ now }) => {
      const [, second, third] = now.log.records
      if (second && third) third.position = second.position
    },
  ],
  [
    'a leaf is not the one under the root',
    'I4',
    /root/,
    ({ now }) => {
      const [first, second] = now.log.records
      if (first && second) first.bytes = second.bytes
    },
  ],
  ['the end of the log is cut off', 'I4', /places/, ({ now }) => void now.log.records.pop()],

  [
    'the incarnation falls',
    'I5',
    /incarnation fell/,
    ({ before }) => {
      before.feed.incarnation = 2
    },
  ],
  [
    'the head of the feed falls',
    'I5',
    /head of the feed fell/,
    ({ before }) => {
      before.feed.head = 9
    },
  ],
  [
    'the log is shorter than it was',
    'I5',
    /size of the log fell/,
    ({ before }) => {
      before.log.head.size = 99
    },
  ],
  [
    'an agent’s epoch falls',
    'I5',
    /epoch of agt_.* fell/,
    ({ before }) => void before.agents.set(ids.steady, { handle: 'steady', status: 'active', epoch: 3 }),
  ],
  [
    'an agent that was seen is gone',
    'I5',
    /fell from 0 to -1/,
    ({ before }) => void before.agents.set(ids.unsure, { handle: 'gone', status: 'active', epoch: 0 }),
  ],
  [
    'an agent’s epoch is not the feed’s',
    'I5',
    /has epoch 7/,
    ({ now }) => void now.agents.set(ids.steady, { handle: 'steady', status: 'active', epoch: 7 }),
  ],
  ['the feed has a gap', 'I5', /where 2 belongs/, (history) => dropFact(history, ids.back)],
  [
    'the epoch of one thing goes back in the feed',
    'I5',
    /went from 2 to 1/,
    ({ now }) => {
      const [first] = now.feed.facts
      if (!first) return
      now.feed.facts.push({ ...first, seq: now.feed.facts.length + 1 })
      first.epoch = 2
    },
  ],
  [
    'an epoch is below the acknowledged one',
    'I5',
    /below the acknowledged 2/,
    (history) => {
      const { fact } = answerTo(history, (wish) => wish.do === 'suspend' && wish.id === ids.stopped).result
      if (fact) fact.epoch = 2
    },
  ],
  [
    'a token is made with an epoch from before an acknowledged end',
    'I5',
    /made with an old epoch/,
    (history) => {
      tokenIn(history, ids.afterBack).lineage = [[ids.back, 0]]
    },
  ],
  [
    'a fact is rewritten',
    'I5',
    /fact 1 is not what it was/,
    ({ before }) => {
      before.feed.facts = before.feed.facts.map((fact) => (fact.seq === 1 ? { ...fact, id: ids.live } : fact))
    },
  ],
  [
    'the log is rewritten, and signed again',
    'I5',
    /place 1 of the log is not what it was/,
    async ({ now }) => {
      const record = now.log.records[1]
      if (record) record.leaf = { ...record.leaf, at_ms: 1 }
      await seal(now)
    },
  ],

  [
    'a token without an answer is recorded, and its assertion was not used up',
    'I2',
    /taken again/,
    (history) => {
      const answer = answerTo(history, ({ assertion, again }) => again === 'assertion' && assertion === 'a unsure')
      answer.status = 200
    },
  ],
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

/** The calls of one verifier that were let through. */
const permitted = ({ entries }: History, verifier: string) => {
  const run = entries.find((one) => one.says === 'judged' && one.verifier === verifier && one.verdict === 'permitted')
  if (run?.says !== 'judged') throw new Error('no such calls')
  return run
}
const ofStopped = (wish: Wish) => wish.do === 'suspend' && wish.id === ids.stopped

const plantedAtVerifiers: Planted[] = [
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

describe('turns red when', () => {
  test.each([...planted, ...plantedAtVerifiers])('%s (%s)', async (_what, rule, says, plant) => {
    const history = await healthyHistory()
    await plant(history)
    const found = await check(history.entries, history.now, history.before)
    expect(found).toContainEqual({ rule, says: expect.stringMatching(says) })
  })
})

test('an answer that says the authority failed leaves the outcome open, as no answer does', async () => {
  for (const takesEffect of [true, false]) {
    const history = await healthyHistory()
    const { n } = asked(history, (wish) => wish.do === 'suspend' && wish.id === ids.stopped)
    const at = history.entries.findIndex((entry) => entry.says === 'answered' && entry.n === n)
    history.entries[at] = { says: 'answered', n, atMs: 0, status: 503, code: 'storage_unavailable', result: {} }
    if (!takesEffect) {
      const { now } = history
      now.feed.facts = now.feed.facts
        .filter(({ id }) => id !== ids.stopped)
        .map((fact, index) => ({ ...fact, seq: index + 1 }))
      now.feed.head = now.feed.facts.length
      const last = answerTo(history, (wish) => wish.id === ids.exchanged).result.fact
      if (last) last.seq = now.feed.head
      now.agents.set(ids.stopped, { handle: 'stopped', status: 'active', epoch: 0 })
      now.active.set(ids.ofStopped, true)
      await drop(history, ({ subject, type }) => subject === ids.stopped && type === 'revocation.made')
    }
    expect(await check(history.entries, history.now, history.before)).toEqual([])
  }
})
