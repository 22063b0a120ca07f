import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual_clock.ts'
import { LocalReplays } from './replays.ts'
import { SteadyTime } from './steady_time.ts'

test('whatever comes between, no id is taken twice before its time is over', () => {
  const steps = fc.array(fc.record({ id: fc.integer({ min: 0, max: 20 }), wait: fc.integer({ min: 0, max: 40 }) }), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, (claims) => {
      let now = 1000
      const replays = new LocalReplays(() => now)
      const until = new Map<number, number>()
      for (const { id, wait } of claims) {
        now += wait
        const isTaken = (until.get(id) ?? 0) >= now
        const taken = replays.claim(`${id}`, now + 61)
        // It may remember longer than it must, never shorter.
        if (isTaken) expect(taken).toBe(false)
        if (taken) until.set(id, now + 61)
      }
    }),
  )
})

test('memory is bounded: what is over is let go, and when there is no room it refuses', () => {
  let now = 1000
  const replays = new LocalReplays(() => now, 100)
  for (let n = 0; n < 100; n++) replays.claim(`early ${n}`, now + 61)
  expect(() => {
    for (let n = 0; n < 101; n++) replays.claim(`late ${n}`, now + 61)
  }).toThrow(expect.objectContaining({ code: 'overloaded' }))
  now += 62
  expect(replays.claim('next', now + 61)).toBe(true)
  now += 62
  expect(replays.claim('after', now + 61)).toBe(true)
  expect(replays.size).toBeLessThanOrEqual(101)
})

test('time never goes back, whatever the wall clock does, and goes on while it lags', () => {
  const moves = fc.array(
    fc.record({ jump: fc.integer({ min: -1e7, max: 1e7 }), pass: fc.integer({ min: 0, max: 1e5 }) }),
  )
  return fc.assert(
    fc.asyncProperty(moves, async (all) => {
      const clock = new ManualClock()
      const time = new SteadyTime(clock)
      let last = time.nowMs()
      for (const { jump, pass } of all) {
        clock.jump(jump)
        clock.pass(pass)
        const now = time.nowMs()
        expect(now).toBeGreaterThanOrEqual(last + pass)
        expect(now).toBeGreaterThanOrEqual(clock.nowMs())
        last = now
      }
    }),
  )
})
