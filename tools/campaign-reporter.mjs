// Of a long run (CREDENCE_LONG): keeps what its faults came to in docs/reference/campaign.md, after every test, so that a run that is
// stopped leaves what it had.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * @typedef {{ file: string, test: string, state: string, seconds: number }} Row
 * @typedef {{ test: string, engine: string, rounds: number, requests: number, seed: number }} Noted
 */

export class CampaignReporter {
  /** @type {Row[]} */
  #rows = []
  #expected = 0
  #began = new Date()
  /** What the run was asked for, when not for everything. */
  #only = process.argv.slice(2).filter((word) => /tests[/\\]|\.test\.ts$/.test(word))

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleCollected(module) {
    if (isFault(module.moduleId)) this.#expected += [...module.children.allTests()].length
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    if (!process.env.CREDENCE_LONG || !isFault(test.module.moduleId)) return
    this.#rows.push({
      file: basename(test.module.moduleId),
      test: test.fullName,
      state: test.result().state,
      seconds: Math.round((test.diagnostic()?.duration ?? 0) / 1_000),
    })
    this.#write(false)
  }

  /** @param {boolean} ended */
  onTestRunEnd(ended) {
    if (this.#rows.length > 0) this.#write(ended)
  }

  /** @param {boolean} ended */
  #write(ended) {
    const notes = readNotes()
    const folder = join(root, 'docs/reference')
    mkdirSync(folder, { recursive: true })
    const left = ended ? 0 : Math.max(0, this.#expected - this.#rows.length)
    writeFileSync(
      join(folder, 'campaign.md'),
      reportOf(this.#rows, notes, {
        began: this.#began,
        commit: commitOf(),
        processors: cpus().length,
        left,
        only: this.#only,
      }),
    )
  }
}

/**
 * @param {readonly Row[]} rows
 * @param {readonly Noted[]} notes
 * @param {{ began: Date, commit: string, processors: number, left: number, only: readonly string[] }} run
 */
export function reportOf(rows, notes, { began, commit, processors, left, only }) {
  const failed = rows.filter(({ state }) => state === 'failed').length
  const lines = together(rows, notes)
    .sort((a, b) => a.file.localeCompare(b.file))
    .map((row) => {
      const own = notes.filter(({ test }) => test === row.test || test.endsWith(` > ${row.test}`))
      const sum = (/** @type {'rounds' | 'requests'} */ what) => own.reduce((total, one) => total + one[what], 0)
      const engines = [...new Set(own.map(({ engine }) => engine))].join(', ')
      const seeds = own.map(({ seed }) => seed)
      const shown = seeds.length > 3 ? `${seeds.slice(0, 3).join(', ')}, …` : seeds.join(', ')
      const found = row.state === 'failed' ? '**found some**' : row.state === 'passed' ? 'none' : 'not run'
      const cells = [row.file, row.test, engines, sum('rounds') || '', sum('requests') || '', found, shown, row.seconds]
      return `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |`
    })
  return `# The last long campaign

Written by the run itself (\`npm run test:long\`); not to be edited. What each row does is said at the head of its file in
[tests/faults](../../tests/faults).

${began.toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${commit}, ${processors} processors, Node ${process.versions.node}.
${only.length > 0 ? `Asked for: ${only.map((one) => basename(one)).join(', ')}. ` : ''}${budget()}${rows.length} tests ended, ${failed} failed${left > 0 ? `; the run was stopped while ${left} had not ended` : ''}.

| file | fault | engine | rounds | requests | violations | seed | seconds |
|---|---|---|---|---|---|---|---|
${lines.join('\n')}
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

function budget() {
  const seconds = process.env.CREDENCE_TEST_CAMPAIGN_SECONDS
  return seconds ? `No round of a campaign began after ${seconds} seconds of it. ` : ''
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
