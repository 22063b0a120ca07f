// The checker is what everything else in here rests on: each violation, planted alone, turns it red, and for its own reason.

import { describe, expect, test } from 'vitest'
import { check } from './check.ts'
import { healthyHistory, ids } from './healthy.ts'
import { atVerifiers } from './planted_at_verifiers.ts'
import { byHalves } from './planted_by_halves.ts'
import { inForce } from './planted_in_force.ts'
import { inLog } from './planted_in_log.ts'
import { answerTo, asked, drop } from './planting.ts'

test('a history in which nothing is wrong is green', async () => {
  const { entries, now, before } = await healthyHistory()
  expect(await check(entries, now, before)).toEqual([])
  expect(await check(entries, now)).toEqual([])
})

describe('turns red when', () => {
  test.each([...inForce, ...inLog, ...byHalves, ...atVerifiers])('%s (%s)', async (_what, rule, says, plant) => {
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
