// Records that are missing (I4), and what may only rise and fell (I5).

import { ids, seal } from './healthy.ts'
import { answerTo, drop, dropFact, type Planted, tokenIn } from './planting.ts'

export const inLog: Planted[] = [
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
]
