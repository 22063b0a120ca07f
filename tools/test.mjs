// Runs every check of the repository in order, goes on after a failure, and closes with the counts.
//   npm test                      everything
//   npm test -- delegation        the tests whose path contains "delegation"; other vitest options go through as well

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const scratch = mkdtempSync(join(tmpdir(), 'credence-test-'))
const resultsFile = join(scratch, 'results.json')

/** @type {{ name: string, args: string[] }[]} Each counts as one test. */
const checks = [
  { name: 'lint and format', args: [join(modules, '@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'] },
  { name: 'types', args: [join(modules, 'typescript/bin/tsc'), '--project', 'tsconfig.json'] },
  { name: 'imports', args: [join(root, 'tools/check-imports.mjs')] },
]

/** @type {import('node:child_process').ChildProcess | undefined} */
let running
let stopped = false
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    stopped = true
    // The terminal sends Ctrl-C to the whole group; `kill` to this process alone. A second SIGINT would make vitest skip its teardown.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) running?.kill(signal)
  })
}

let passed = 0
let failed = 0
/** @type {string[]} */
const failures = []

for (const { name, args } of checks) {
  if (stopped) break
  const began = performance.now()
  const ok = (await run(args)) === 0
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name}  ${Math.round(performance.now() - began)} ms`)
  if (ok) passed++
  else {
    failed++
    failures.push(name)
  }
}

/** @type {{ passed: number, failed: number, skipped: { name: string, why: string }[] }} */
let results = { passed: 0, failed: 0, skipped: [] }
if (!stopped) {
  const status = await run([join(modules, 'vitest/vitest.mjs'), 'run', ...process.argv.slice(2)], {
    CREDENCE_TEST_RESULTS: resultsFile,
  })
  if (existsSync(resultsFile)) results = JSON.parse(readFileSync(resultsFile, 'utf8'))
  passed += results.passed
  failed += results.failed
  if (status !== 0 && results.failed === 0) failed++
  if (status !== 0) failures.push('tests')
}
rmSync(scratch, { recursive: true, force: true })

if (results.skipped.length > 0) {
  console.log('\nDid not run:')
  for (const [why, names] of Map.groupBy(results.skipped, ({ why }) => why).entries()) {
    console.log(`  ${why}: ${names.length}`)
    for (const { name } of names) console.log(`    ${name}`)
  }
}
if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`)
if (stopped) console.log('\nStopped before the end.')
process.exitCode = failed > 0 || stopped ? 1 : 0

console.log(
  `\n${passed} passed, ${failed} failed${results.skipped.length > 0 ? `, ${results.skipped.length} skipped` : ''}`,
)

/**
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 * @returns {Promise<number>}
 */
function run(args, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    })
    running = child
    child.on('error', (error) => {
      console.error(error.message)
      resolve(1)
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
