import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startSchedule } from './schedule.ts'

function recordingLog() {
  const lines: string[] = []
  const write = (_fields: object, message: string) => void lines.push(message)
  return { lines, log: { debug: write, info: write, warn: write, error: write } }
}

test('a job runs again and again, never twice at once, and not after the stop', async () => {
  const { log } = recordingLog()
  let runs = 0
  let inside = 0
  const schedule = startSchedule(log, [
    {
      name: 'slow',
      everyMs: 5,
      run: async () => {
        inside += 1
        expect(inside).toBe(1)
        await sleep(20)
        inside -= 1
        runs += 1
      },
    },
  ])
  await expect.poll(() => runs).toBeGreaterThan(2)
  await schedule.stop()
  expect(inside).toBe(0)
  const atStop = runs
  // Another of the same period comes round again and again.
  let others = 0
  const run = async () => {
    others += 1
  }
  const other = startSchedule(log, [{ name: 'other', everyMs: 5, run }])
  await expect.poll(() => others).toBeGreaterThan(5)
  await other.stop()
  expect(runs).toBe(atStop)
})

test('a job that fails is said once, is tried again, and stops no other', async () => {
  const { log, lines } = recordingLog()
  let tries = 0
  let others = 0
  const schedule = startSchedule(log, [
    {
      name: 'broken',
      everyMs: 5,
      run: async () => {
        tries += 1
        if (tries < 4) throw new Error('out of order')
      },
    },
    {
      name: 'other',
      everyMs: 5,
      run: async () => {
        others += 1
      },
    },
  ])
  await expect.poll(() => Math.min(tries, others)).toBeGreaterThan(4)
  await schedule.stop()
  expect(lines).toEqual(['periodic work failed; it will be tried again', 'periodic work goes on'])
})

test('stopping ends a long pause', async () => {
  const { log } = recordingLog()
  const schedule = startSchedule(log, [{ name: 'rare', everyMs: 3_600_000, run: async () => {} }])
  // An hour, otherwise.
  await schedule.stop()
})
