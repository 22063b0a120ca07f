// F39: what a process holds does not grow with how long it has run. Two hours under CREDENCE_LONG, or CREDENCE_TEST_SOAK_MINUTES; a few
// seconds otherwise, in which only what is bounded at any time is looked at.

import { expect, test } from 'vitest'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { note } from './campaign.ts'
import { Chance, newSeed } from './chance.ts'
import { isLong } from './rounds.ts'
import { risesBeyond, slopeOf } from './slope.ts'
import { type Sample, soak } from './soak.ts'

const minutes = Number(process.env.CREDENCE_TEST_SOAK_MINUTES ?? 120)
const forMs = isLong ? minutes * 60_000 : 3_000
const everyMs = isLong ? 15_000 : 1_000
const timeout = forMs + 120_000
/** Below this there is too little of it to draw a line through. */
const leastMs = 20 * 60_000

/**
 * Most that each may surely grow in an hour. A kilobyte kept of each request would be some 35 MB; what is kept on purpose is bounded,
 * but it fills up for longer than this runs. So do SQLite's two caches of pages, at 64 MB each, as the file grows: `rss` has room for them.
 */
const bounds = {
  heapUsed: 12 * 2 ** 20,
  rss: 64 * 2 ** 20,
  descriptors: 1,
  handles: 1,
}

const stores = { SQLite: async () => 'sqlite', PostgreSQL: freshDatabase }

test.concurrent.for(Object.entries(stores))('hours of work, on %s', { timeout }, async ([name, store], context) => {
  const { expect } = context
  const missing = name === 'PostgreSQL' ? postgresMissing() : undefined
  if (missing) context.skip(missing)
  const seed = newSeed()
  const { samples, failures } = await soak(await store(), { forMs, everyMs, pauseMs: isLong ? 160 : 20, seed })
  // First of all: whatever else is wrong, this was measured.
  report(name, seed, samples)
  expect(failures).toEqual([])
  for (const { replayIds, usedUp } of samples) expect(replayIds).toBeLessThanOrEqual(usedUp + 100)
  expect(Math.max(...samples.map(({ descriptors }) => descriptors))).toBeGreaterThan(0)
  if (forMs < leastMs) return
  for (const [what, most] of Object.entries(bounds) as Array<[keyof typeof bounds, number]>) {
    expect(risesBeyond(slopeIn(samples, what), most), `${what} grows`).toBe(false)
  }
})

/** Caches fill up first. */
function slopeIn(samples: readonly Sample[], what: keyof Sample) {
  return slopeOf(samples.slice(Math.floor(samples.length / 3)).map((sample) => [sample.atMs, sample[what]]))
}

function report(name: string, seed: number, samples: readonly Sample[]): void {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last) return
  const requests = samples.reduce((sum, sample) => sum + sample.requests, 0)
  const tookMs = last.atMs - first.atMs
  const cpu = (100 * (last.cpuMs - first.cpuMs)) / tookMs
  console.log(
    `FAULT_SEED=${seed}: ${name}, ${(tookMs / 60_000).toFixed(1)} minutes, ${requests} requests, ${cpu.toFixed(1)} % of one CPU`,
  )
  note({ test: `hours of work, on ${name}`, engine: name, rounds: samples.length, requests, seed })
  if (samples.length < 6) return
  for (const what of ['rss', 'heapUsed', 'descriptors', 'handles', 'replayIds', 'p99Ms'] as const) {
    const unit = what === 'rss' || what === 'heapUsed' ? 2 ** 20 : 1
    const { perHour, error } = slopeIn(samples, what)
    const [from, to] = [first[what] / unit, last[what] / unit].map((value) => value.toFixed(1))
    console.log(
      `  ${what}: from ${from} to ${to}; ${(perHour / unit).toFixed(2)} an hour, give or take ${(error / unit).toFixed(2)}`,
    )
  }
}

test('a leak in noise is found, and noise without one is none', () => {
  const chance = new Chance(newSeed())
  const minute = 60_000
  const noisy = (perHour: number) =>
    Array.from({ length: 240 }, (_, n) => [n * minute, 80 + (perHour * n) / 60 + chance.between(-10, 10)] as const)
  for (let n = 0; n < 50; n++) {
    expect(risesBeyond(slopeOf(noisy(20)), 12)).toBe(true)
    expect(risesBeyond(slopeOf(noisy(0)), 2)).toBe(false)
    expect(risesBeyond(slopeOf(noisy(-20)), 0)).toBe(false)
  }
  expect(slopeOf([0, 1, 2].map((n) => [n * 60 * minute, 5 * n]))).toEqual({ perHour: 5, error: 0 })
  expect(() => slopeOf([[1, 1]])).toThrow('so few')
})
