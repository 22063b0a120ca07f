// Of a long run (CREDENCE_LONG): keeps what its faults came to in docs/reference/campaign.md, after every test, so that a run that is
// stopped leaves what it had. The rows of files that it does not come to stay: a campaign takes days, and may be run in parts.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const report = join(root, 'docs/reference/campaign.md')

/**
 * @typedef {{ file: string, test: string, state: string, seconds: number }} Row
 * @typedef {{ test: string, engine: string, rounds: number, requests: number, seed: number }} Noted
 */

export class CampaignReporter {
  /** @type {Row[]} */
  #rows = []
  #began = new Date()
  #commit = commitOf()
  #before = existsSync(report) ? readFileSync(report, 'utf8') : ''

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    if (!process.env.CREDENCE_LONG || !isFault(test.module.moduleId)) return
    this.#rows.push({
      file: basename(test.module.moduleId),
      test: test.fullName,
      state: test.result().state,
      seconds: Math.round((test.diagnostic()?.duration ?? 0) / 1_000),
    })
    mkdirSync(dirname(report), { recursive: true })
    const run = { began: this.#began, commit: this.#commit, seconds: process.env.CREDENCE_TEST_CAMPAIGN_SECONDS }
    writeFileSync(report, reportOf(this.#rows, readNotes(), run, this.#before))
  }
}

/**
 * @param {readonly Row[]} rows
 * @param {readonly Noted[]} notes
 * @param {{ began: Date, commit: string, seconds?: string | undefined }} run `seconds`: after which no round of a campaign began
 * @param {string} before the report as it was
 */
export function reportOf(rows, notes, { began, commit, seconds }, before = '') {
  const ran = `${began.toISOString().slice(0, 10)}, ${commit}${seconds ? `, up to ${seconds} s a campaign` : ''}`
  const own = together(rows, notes).map((row) => {
    const said = notes.filter(({ test }) => test === row.test || test.endsWith(` > ${row.test}`))
    const sum = (/** @type {'rounds' | 'requests'} */ what) => said.reduce((total, one) => total + one[what], 0)
    const engines = [...new Set(said.map(({ engine }) => engine))].join(', ')
    const seeds = said.map(({ seed }) => seed)
    const shown = seeds.length > 3 ? `${seeds.slice(0, 3).join(', ')}, …` : seeds.join(', ')
    const found = row.state === 'failed' ? '**found some**' : row.state === 'passed' ? 'none' : 'not run'
    const cells = [
      row.file,
      row.test,
      engines,
      sum('rounds') || '',
      sum('requests') || '',
      found,
      shown,
      row.seconds,
      ran,
    ]
    return `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |`
  })
  const files = new Set(rows.map(({ file }) => file))
  const others = before.split('\n').filter((line) => {
    const [, file] = /^\| (\S+\.test\.ts) \|/.exec(line) ?? []
    return file !== undefined && !files.has(file)
  })
  return `# The last long campaign

Written by the runs themselves (\`npm run test:long\`, or \`npm run test:long -- tests/faults/kill.test.ts\` for a part of it); not to be edited. Each
file has the rows of its own last long run. What a row does is said at the head of its file in [tests/faults](../../tests/faults).

| file | fault | engine | rounds | requests | violations | seed | seconds | run |
|---|---|---|---|---|---|---|---|---|
${[...own, ...others].sort((a, b) => a.localeCompare(b)).join('\n')}
`
}

/**
 * Many small tests of one file that say no more than that they passed are one row.
 *
 * @param {readonly Row[]} rows
 * @param {readonly Noted[]} notes
 */
function together(rows, notes) {
  const noted = new Set(notes.map(({ test }) => test))
  return [...Map.groupBy(rows, ({ file }) => file)].flatMap(([file, own]) => {
    const plain = own.filter(({ test, state }) => state === 'passed' && !noted.has(test))
    if (plain.length < 4) return own
    const seconds = plain.reduce((total, row) => total + row.seconds, 0)
    const one = { file, test: `${plain.length} tests`, state: 'passed', seconds }
    return [...own.filter((row) => !plain.includes(row)), one]
  })
}

/** @returns {Noted[]} */
function readNotes() {
  const file = process.env.CREDENCE_TEST_CAMPAIGN
  if (!file || !existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

function commitOf() {
  try {
    const head = git('rev-parse', '--short=12', 'HEAD')
    const changed = git('status', '--porcelain', 'packages', 'sdks', 'tests')
    return changed === '' ? head : `${head} and changes not committed`
  } catch {
    return process.env.CREDENCE_COMMIT ?? 'unknown'
  }
}

/** @param {string[]} words */
function git(...words) {
  return execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

/** @param {string} path */
function isFault(path) {
  return /tests[/\\]faults[/\\]/.test(path)
}
