import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority } from '../authority.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = ['protected_api', 'revocation', 'two_agents']

let authority: TestAuthority
let directory: string
let profile: string

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  const { issuer, administratorSecret } = authority.organizations.acme ?? { issuer: '', administratorSecret: '' }
  directory = mkdtempSync(join(tmpdir(), 'credence-examples-'))
  profile = join(directory, 'cli.json')
  writeFileSync(profile, JSON.stringify({ issuer, administrator_secret: administratorSecret }), { mode: 0o600 })
})
afterAll(async () => {
  await authority.stop()
  rmSync(directory, { recursive: true })
})

test('every example is run here', () => {
  const parts = ['ledger', 'setup']
  const found = readdirSync(join(root, 'examples')).map((name) => name.replace('.ts', ''))
  expect(found.sort()).toEqual([...examples, ...parts].sort())
})

test.each(examples)('%s does what it says', async (name) => {
  const { code, output } = await run(join('examples', `${name}.ts`))
  expect(code, output).toBe(0)
  expect(output.trim().split('\n').at(-1)).toBe('ok')
})

function run(file: string): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['--conditions=@credence/source', file], {
      cwd: root,
      env: { ...process.env, CREDENCE_CLI_PROFILE: profile },
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('exit', (code) => done({ code, output }))
  })
}
