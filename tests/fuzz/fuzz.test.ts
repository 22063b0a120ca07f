// Every parser, fuzzed: the kept corpus, then a number of new inputs that its coverage guides (tests/fuzz/main.ts). FAULT_SEED repeats a
// run; CREDENCE_LONG=1 runs the campaign, and keeps what it learns in corpus/.

import { describe, expect, test } from 'vitest'
import { newSeed } from '../faults/chance.ts'
import { explained, fuzz } from './fuzz.ts'
import type { Job } from './main.ts'

const isLong = process.env.CREDENCE_LONG === '1'
const seed = newSeed()

/** Seconds of the processor in the campaign; fifteen minutes in all. */
const groups = { values: 200, signed: 300, trees: 80, authority: 180, clients: 180 }

describe.each(Object.entries(groups))('fuzzing: %s', (group, seconds) => {
  test('nothing but refusals of known codes, and all that must hold', { timeout: 3_600_000 }, async () => {
    console.log(`fuzzing ${group}: seed ${seed}`)
    const job: Job = { group, seed, executions: 400, ...(isLong && { seconds, keep: true }) }
    const reports = await fuzz(job)
    const { targets } = (await import(`./targets/${group}.ts`)) as { targets: ReadonlyArray<{ name: string }> }
    expect(reports.map((report) => explained(job, report)).filter(Boolean)).toEqual([])
    expect(reports.map(({ target }) => target)).toEqual(targets.map(({ name }) => name))
    for (const { target, executions, covered } of reports) {
      expect(executions, target).toBeGreaterThanOrEqual(200)
      expect(covered, target).toBeGreaterThan(0)
    }
  })
})
