// Whether time tells two kinds of input apart, by statistics: both kinds drawn at random, one after the other, so that whatever else the
// machine does hits both alike; the slowest cut off, as dudect does (Reparaz, Balasch, Verbauwhede 2017); then Welch's t.

import type { Chance } from '../faults/chance.ts'

export type Measured = {
  /** Welch's t over what was not cut off: beyond 4.5 either way is no chance. */
  t: number
  /** Means of what was not cut off, in nanoseconds. */
  means: [number, number]
  samples: number
}

/** What is tried with an input of one kind or the other. Whatever it takes to make the input must have been done before. */
export type Trial = (kind: 0 | 1) => unknown

/** Where answers go, so that no compiler finds out that nobody needs them. */
const answers: unknown[] = [undefined]

/** How much is kept of both kinds together: what is slower was interrupted. */
const kept = 0.8

export async function measure(trial: Trial, samples: number, chance: Chance): Promise<Measured> {
  const times: [number[], number[]] = [[], []]
  for (let warm = 0; warm < Math.min(200, samples); warm++) await trial(warm % 2 === 0 ? 0 : 1)
  for (let sample = 0; sample < samples; sample++) {
    const kind = chance.next() < 0.5 ? 0 : 1
    const begun = process.hrtime.bigint()
    const answer = trial(kind)
    // What answers at once is not made to wait for a turn.
    if (answer instanceof Promise) await answer
    answers[0] = answer
    times[kind].push(Number(process.hrtime.bigint() - begun))
  }
  return { ...welch(...cropped(times)), samples }
}

function cropped([one, other]: [number[], number[]]): [number[], number[]] {
  const all = [...one, ...other].sort((a, b) => a - b)
  const most = all[Math.floor(all.length * kept)] ?? Number.POSITIVE_INFINITY
  return [one.filter((time) => time <= most), other.filter((time) => time <= most)]
}

function welch(one: readonly number[], other: readonly number[]): { t: number; means: [number, number] } {
  const [a, b] = [momentsOf(one), momentsOf(other)]
  const error = Math.sqrt(a.variance / one.length + b.variance / other.length)
  return { t: error === 0 ? 0 : (a.mean - b.mean) / error, means: [a.mean, b.mean] }
}

function momentsOf(times: readonly number[]): { mean: number; variance: number } {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  return { mean, variance: times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1) }
}

/**
 * Whether time tells, so that it stays told: beyond the threshold, and the same way, in every one of several repeats. One repeat
 * that does not see it ends the trial; a machine under load makes single ones look like anything.
 */
export async function tells(
  trial: Trial,
  how: { samples: number; threshold: number; repeats: number; chance: Chance },
): Promise<{ told: boolean; seen: Measured[] }> {
  const seen: Measured[] = []
  for (let repeat = 0; repeat < how.repeats; repeat++) {
    const measured = await measure(trial, how.samples, how.chance)
    seen.push(measured)
    const same = Math.sign(measured.t) === Math.sign(seen[0]?.t ?? 0)
    if (Math.abs(measured.t) < how.threshold || !same) return { told: false, seen }
  }
  return { told: true, seen }
}
