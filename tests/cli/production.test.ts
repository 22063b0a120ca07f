import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPlace, type Place } from './cli.ts'

let place: Place
let env: Record<string, string>
let origin: string

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

beforeAll(async () => {
  place = newPlace()
  const port = await freePort()
  origin = `http://localhost:${port}`
  const init = ['init', '--origin', origin, '--domain', 'agents.example', '--store', 'sqlite:./data.db']
  const { code, err } = await place.run(init)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const lines = [...place.read('credence.env').matchAll(/^(\w+)='(.*)'$/gm)]
  env = { ...Object.fromEntries(lines.map(([, name, value]) => [name, value])), CREDENCE_PORT: `${port}` }
}, 60_000)

afterAll(() => place.remove())

test('init writes a file for its owner alone, with a wrapping key that no other has, and overwrites none', async () => {
  expect(statSync(join(place.directory, 'credence.env')).mode & 0o777).toBe(0o600)
  const init = ['init', '--origin', 'https://id.example', '--domain', 'agents.example', '--file']
  expect((await place.run([...init, 'credence.env'])).err).toContain('exists already')
  await place.run([...init, 'other.env'])
  const keyIn = (file: string): string | undefined => /^CREDENCE_WRAPPING_KEYS=(.+)$/m.exec(place.read(file))?.[1]
  expect(keyIn('other.env')).toBeTruthy()
  expect(keyIn('other.env')).not.toBe(keyIn('credence.env'))
}, 60_000)

test('init writes nothing that would not start', async () => {
  const init = ['init', '--domain', 'agents.example', '--file', 'bad.env', '--origin']
  for (const bad of ['http://id.example', 'https://id.example/path', 'id.example']) {
    const { code, err } = await place.run([...init, bad])
    expect(code).toBe(1)
    expect(err).toContain('CREDENCE_ORIGIN')
  }
  expect(existsSync(join(place.directory, 'bad.env'))).toBe(false)
}, 60_000)

test('it starts, says once where the first secret is, and serves an organization; the second start says nothing of secrets', async () => {
  const running = place.start(['start'], { env })
  await running.printed('The authority answers at')
  await running.printed('organizations create')
  const secretFile = join(place.directory, '.credence/installation-administrator')
  expect(statSync(secretFile).mode & 0o777).toBe(0o600)

  const connection = ['--issuer', origin, '--secret-file', secretFile]
  const acme = await place.json('organizations', 'create', 'acme', ...connection, '--out', 'acme.secret')
  expect(acme).toMatchObject({ handle: 'acme', issuer: `${origin}/o/acme` })
  expect(acme.administrator.secret).toBeUndefined()
  expect((await place.json('organizations', 'list', ...connection)).items).toHaveLength(1)
  const people = ['people', 'register', 'Ada', '--issuer', acme.issuer, '--secret-file', 'acme.secret']
  expect((await place.json(...people)).id).toMatch(/^psn_/)
  expect(await place.json('audit', 'verify', '--issuer', acme.issuer, '--secret-file', 'acme.secret')).toMatchObject({
    verified: true,
  })
  // An organization's administrator is nobody at the installation.
  const foreign = await place.run(['organizations', 'list', '--issuer', origin, '--secret-file', 'acme.secret'])
  expect(foreign.err).toContain('unauthorized')

  expect(await place.json('organizations', 'suspend', 'acme', '--cause', 'abuse', ...connection)).toMatchObject({
    id: acme.id,
    cause: 'abuse',
  })
  const held = await place.run(['restore', acme.id, '--issuer', acme.issuer, '--secret-file', 'acme.secret'])
  expect(held.err).toContain('forbidden')
  expect(await place.json('organizations', 'resume', acme.id, ...connection)).toMatchObject({ handle: 'acme' })

  running.signal('SIGTERM')
  const { code, out, err } = await running.ended
  expect(code).toBe(0)
  expect(`${out}${err}`).not.toContain(readFileSync(secretFile, 'utf8').trim())

  const again = place.start(['start'], { env })
  await again.printed('The authority answers at')
  again.signal('SIGINT')
  const ended = await again.ended
  expect(ended.code).toBe(0)
  expect(ended.out).not.toContain('secret')
}, 120_000)

test('it refuses to start on anything missing, unknown or unsafe, and says what to do', async () => {
  writeFileSync(join(place.directory, 'w.key'), 'w1:short')
  const { CREDENCE_WRAPPING_KEYS: _, ...keyless } = env
  const cases: Array<[Record<string, string>, string, string]> = [
    [{}, 'config_missing', 'CREDENCE_ORIGIN'],
    [keyless, 'config_missing', 'CREDENCE_WRAPPING_KEYS'],
    [{ ...keyless, CREDENCE_WRAPPING_KEYS_FILE: 'w.key' }, 'config_invalid', 'CREDENCE_WRAPPING_KEYS'],
    [{ ...env, CREDENCE_ORIGINS: 'x' }, 'config_unknown_key', 'Did you mean CREDENCE_ORIGIN?'],
    [{ ...env, CREDENCE_ORIGIN: 'http://id.example' }, 'config_unsafe', 'https'],
    [{ ...env, CREDENCE_WRAPPING_KEYS: `dev:${'A'.repeat(43)}` }, 'config_unsafe', 'credence init'],
    [{ ...env, CREDENCE_WRAPPING_KEYS: `w1:${'A'.repeat(43)}` }, 'wrapping_key_wrong', ''],
  ]
  for (const [given, code, says] of cases) {
    const ran = await place.run(['start'], { env: given })
    expect(ran.code, code).toBe(1)
    expect(ran.err).toContain(`(${code})`)
    expect(ran.err).toContain(says)
    expect(ran.err).not.toContain('A'.repeat(43))
    expect(ran.err).not.toMatch(/ at .*:\d+:\d+/)
  }
}, 120_000)

test('the command line’s own variables are no settings of the authority', async () => {
  const running = place.start(['start'], {
    env: { ...env, CREDENCE_CLI_ISSUER: origin, CREDENCE_CLI_PROFILE: 'x.json' },
  })
  await running.printed('The authority answers at')
  running.signal('SIGINT')
  expect((await running.ended).code).toBe(0)
}, 60_000)
