import { expect, test } from 'vitest'
import { reportOf } from './campaign-reporter.mjs'

const run = { began: new Date(0), commit: 'abc' }
const row = (test: string, state = 'passed', file = 'a.test.ts') => ({ file, test, state, seconds: 3 })

test('a campaign’s table has what was noted, what failed, and one row for what only passed', () => {
  const rows = [row('kills'), row('cuts', 'failed'), ...[1, 2, 3, 4].map((n) => row(`small ${n}`))]
  const notes = [1, 2].map((seed) => ({ test: 'kills', engine: 'SQLite', rounds: 5, requests: 100, seed }))
  const lines = reportOf(rows, notes, run).split('\n')
  expect(lines).toContain('| a.test.ts | kills | SQLite | 10 | 200 | none | 1, 2 | 3 | 1970-01-01, abc |')
  expect(lines).toContain('| a.test.ts | cuts |  |  |  | **found some** |  | 3 | 1970-01-01, abc |')
  expect(lines).toContain('| a.test.ts | 4 tests |  |  |  | none |  | 12 | 1970-01-01, abc |')
})

test('a run of some files leaves the rows of the others as they were, and none of its own from before', () => {
  const before = reportOf([row('kills'), row('old'), row('stays', 'failed', 'b.test.ts')], [], { ...run, seconds: '9' })
  const lines = reportOf([row('kills')], [], { began: new Date(86_400_000), commit: 'def' }, before).split('\n')
  expect(lines.filter((line) => line.includes('.test.ts |'))).toEqual([
    '| a.test.ts | kills |  |  |  | none |  | 3 | 1970-01-02, def |',
    '| b.test.ts | stays |  |  |  | **found some** |  | 3 | 1970-01-01, abc, up to 9 s a campaign |',
  ])
})
