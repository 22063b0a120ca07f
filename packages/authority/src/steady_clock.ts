import type { Clock, SteadyClock } from './services.ts'

/** The longest that anything lives which is deleted once it has expired: facts, with what clocks differ; leases; replay ids. Milliseconds. */
const longestMs = 20 * 60_000
const sampleEveryMs = longestMs / 20

type Sample = { monotonicMs: number; steadyMs: number }

/**
 * The time that the authority goes by. It follows the wall clock and never goes back: nothing that was refused as expired comes to
 * life when a clock is set back, and what is ended then is remembered for as long as what was issued before can live.
 *
 * The price: after a wall clock was far ahead by mistake, time goes on from there until it is reached again, or a restart.
 */
export function steadyClock(wall: Clock): SteadyClock {
  let lastMonotonicMs = wall.monotonicMs()
  let lastMs = wall.nowMs()
  /** Oldest first: one that is older than `longestMs`, if there is one, and those since. */
  const samples: Sample[] = [{ monotonicMs: lastMonotonicMs, steadyMs: lastMs }]

  const nowMs = () => {
    // Wall before monotonic, so that a pause between the two readings can only make the floor too low, never creep up.
    const wallMs = wall.nowMs()
    const monotonicMs = wall.monotonicMs()
    lastMs = Math.max(wallMs, lastMs + Math.max(0, monotonicMs - lastMonotonicMs))
    lastMonotonicMs = monotonicMs
    const newest = samples.at(-1) as Sample
    if (monotonicMs - newest.monotonicMs >= sampleEveryMs) samples.push({ monotonicMs, steadyMs: lastMs })
    while (samples[1] && monotonicMs - samples[1].monotonicMs >= longestMs) samples.shift()
    // As the wall clock's: whole milliseconds are what is written down.
    return Math.floor(lastMs)
  }

  return {
    nowMs,
    monotonicMs: () => wall.monotonicMs(),
    settledMs() {
      const now = nowMs()
      const [{ monotonicMs, steadyMs }] = samples as [Sample]
      return Math.min(now, Math.floor(steadyMs + lastMonotonicMs - monotonicMs))
    },
    aheadMs() {
      return Math.max(0, nowMs() - wall.nowMs())
    },
  }
}
