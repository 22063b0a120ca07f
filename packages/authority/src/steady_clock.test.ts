import fc from 'fast-check'
import { expect, test } from 'vitest'
import { steadyClock } from './steady_clock.ts'

const hour = 3_600_000

/** What happens to a machine's clocks: time passes, and the wall clock is set to another. */
const happenings = fc.array(
  fc.oneof(
    fc.record({ passes: fc.integer({ min: 0, max: 30 * 60_000 }) }),
    fc.record({ jumps: fc.oneof(fc.integer({ min: -5 * hour, max: 5 * hour }), fc.constantFrom(-1_000, 1_000)) }),
  ),
  { maxLength: 40 },
)

function run(happens: Array<{ passes: number } | { jumps: number }>, look: (now: ReturnType<typeof start>) => void) {
  const one = start()
  for (const what of happens) {
    if ('passes' in what) one.machine.monotonicMs += what.passes
    if ('passes' in what) one.machine.wallMs += what.passes
    else one.machine.wallMs += what.jumps
    look(one)
  }
}

function start() {
  const machine = { wallMs: 1_800_000_000_000, monotonicMs: 5_000.25 }
  const clock = steadyClock({ nowMs: () => machine.wallMs, monotonicMs: () => machine.monotonicMs })
  return { machine, clock }
}

test('time never goes back, never goes slower than it passes, and is never behind the wall clock', () => {
  fc.assert(
    fc.property(happenings, (happens) => {
      let lastMs = 0
      let lastMonotonicMs = 5_000.25
      run(happens, ({ machine, clock }) => {
        const now = clock.nowMs()
        const passed = lastMs === 0 ? 0 : machine.monotonicMs - lastMonotonicMs
        expect(now).toBeGreaterThanOrEqual(Math.max(machine.wallMs, lastMs + passed - 1))
        expect(clock.aheadMs()).toBe(now - machine.wallMs)
        lastMs = now
        lastMonotonicMs = machine.monotonicMs
      })
    }),
  )
})

test('whatever lives for 20 minutes at most and has expired by the settled time has lived for as long as it may', () => {
  fc.assert(
    fc.property(happenings, fc.integer({ min: 1_000, max: 20 * 60_000 }), (happens, lifeMs) => {
      const made: Array<{ atMonotonicMs: number; endsMs: number }> = []
      run(happens, ({ machine, clock }) => {
        const settled = clock.settledMs()
        expect(settled).toBeLessThanOrEqual(clock.nowMs())
        for (const { atMonotonicMs, endsMs } of made) {
          if (endsMs < settled) expect(machine.monotonicMs - atMonotonicMs).toBeGreaterThanOrEqual(lifeMs - 2)
        }
        made.push({ atMonotonicMs: machine.monotonicMs, endsMs: clock.nowMs() + lifeMs })
      })
    }),
  )
})

test('without jumps the settled time is the time, and a jump that lasts is believed after 20 minutes', () => {
  const { machine, clock } = start()
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 10_000) {
      machine.monotonicMs += Math.min(left, 10_000)
      machine.wallMs += Math.min(left, 10_000)
      clock.nowMs()
    }
  }
  pass(7 * hour)
  expect(clock.settledMs()).toBe(clock.nowMs())
  machine.wallMs += hour
  pass(60_000)
  expect(clock.nowMs() - clock.settledMs()).toBe(hour)
  pass(22 * 60_000)
  expect(clock.settledMs()).toBe(clock.nowMs())
})
