// What was acknowledged and is not in force (I1), and what works once and worked twice (I2).

import { ids, seal } from './healthy.ts'
import { answerTo, asked, dropFact, type Planted } from './planting.ts'

export const inForce: Planted[] = [
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
]
