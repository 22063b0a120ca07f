import { afterEach, expect, test, vi } from 'vitest'
import { Lanes } from './lanes.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('what has waited too long behind others is refused, and what came since is done (F11)', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const command = { organization: 'org', steps: [], audit: null }
  let release = () => {}
  const turns: number[] = []
  const lanes = new Lanes<string>(async (_organization, tickets) => {
    turns.push(tickets.length)
    if (turns.length === 1) await new Promise<void>((resolve) => (release = resolve))
    for (const { resolve } of tickets) resolve('done')
  })
  const first = lanes.enter(command)
  const late = Array.from({ length: 200 }, () => lanes.enter(command)?.catch(({ code }) => code))
  vi.advanceTimersByTime(3_000)
  const since = lanes.enter(command)
  release()
  expect(await first).toBe('done')
  expect(new Set(await Promise.all(late))).toEqual(new Set(['storage_unavailable']))
  expect(await since).toBe('done')
  expect(turns).toEqual([1, 1])
})
