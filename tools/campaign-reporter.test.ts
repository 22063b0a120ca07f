import { expect, test } from 'vitest'
import { reportOf } from './campaign-reporter.mjs'

const run = { began: new Date(0), commit: 'abc', processors: 2, left: 0, only: [] }
const row = (test: string, state = 'passed') => ({ file: 'a.test.ts', test, state, seconds: 3 })

test('a campaign’s table has what was noted, what failed, and one row for what only passed', () => {
  const rows = [row('kills'), row('cuts', 'failed'), ...[1, 2, 3, 4].map((n) => row(`small ${n}`))]
  const notes = [1, 2].map((seed) => ({ test: 'kills', engine: 'SQLite', rounds: 5, requests: 100, seed }))
  const lines = reportOf(rows, notes, run).split('\n')
  expect(lines).toContain('| a.test.ts | kills | SQLite | 10 | 200 | none | 1, 2 | 3 |')
  expect(lines).toContain('| a.test.ts | cuts |  |  |  | **found some** |  | 3 |')
  expect(lines).toContain('| a.test.ts | 4 tests |  |  |  | none |  | 12 |')
  expect(lines).toContain('6 tests ended, 1 failed.')
})

test('a run that was stopped, or asked for some, says so', () => {
  const text = reportOf([row('kills')], [], { ...run, left: 7, only: ['tests/faults/a.test.ts'] })
  expect(text).toContain('Asked for: a.test.ts. 1 tests ended, 0 failed; the run was stopped while 7 had not ended.')
})
