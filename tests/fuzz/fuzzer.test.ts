// The fuzzer itself: what it must find (toys.ts), so that its silence about the parsers means something.

import { expect, test, vi } from 'vitest'
import { newSeed } from '../faults/chance.ts'
import { fuzz } from './fuzz.ts'
import type { Job, Report } from './main.ts'

// Each test is a process or two, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 })

const seed = newSeed()
const job = { group: 'toys', seed }

async function find(only: string, more: Partial<Job> & { executions: number }): Promise<Report> {
  const [report] = await fuzz({ ...job, only: [only], ...more })
  if (report === undefined) throw new Error(`no report; seed ${seed}`)
  return report
}

test('coverage leads it through conditions that chance alone does not pass', async () => {
  const guided = await find('nested', { executions: 400_000, reduce: true })
  expect(guided.finding?.error, `seed ${seed}`).toMatch(/planted/)
  const input = Buffer.from(guided.finding?.input ?? '', 'base64').toString()
  expect(input).toMatch(/^Q#k.*}$/s)
  const blind = await find('nested', { executions: guided.executions, guided: false })
  expect(blind.finding, `seed ${seed}`).toBeUndefined()
})

test('the same seed finds the same input after the same number of executions', async () => {
  const [one, other] = [await find('word', { executions: 5_000 }), await find('word', { executions: 5_000 })]
  expect(one.finding?.error).toMatch(/TypeError/)
  expect([other.finding?.input, other.executions]).toEqual([one.finding?.input, one.executions])
})

test('what takes very much of the processor is reported with its times', async () => {
  const { slow } = await find('backtracking', { executions: 800, measure: true })
  expect(slow.length, `seed ${seed}`).toBeGreaterThan(0)
  for (const { cpuUs, usualUs } of slow) expect(cpuUs).toBeGreaterThan(100 * usualUs)
})

test('an input that never comes back is named, and ends the run', async () => {
  const { finding } = await find('hanging', { executions: 5_000, hangMs: 2_000 })
  expect(finding?.error).toMatch(/still not read/)
  const input = Buffer.from(finding?.input ?? '', 'base64').toString()
  expect(input.startsWith('a harmless') && input.length > 30, input).toBe(true)
})
