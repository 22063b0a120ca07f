import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newWrappingKey, parseConfig, type Settings, startAuthority } from '@credence/authority'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { call, startTestAuthority } from '../authority.ts'
import { freshDatabase, postgresMissing } from '../postgres.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'credence-start-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function settings(mode: 'dev' | 'production', environment: Record<string, string> = {}): Settings {
  const production = {
    CREDENCE_ORIGIN: 'http://localhost:4600',
    CREDENCE_DOMAIN: 'credence.example',
    CREDENCE_STORE: `sqlite:${join(directory, 'credence.db')}`,
    CREDENCE_WRAPPING_KEYS: newWrappingKey(),
  }
  return parseConfig({
    mode,
    environment: {
      CREDENCE_PORT: '0',
      CREDENCE_DIRECTORY: directory,
      CREDENCE_LOG_LEVEL: 'silent',
      ...(mode === 'production' && production),
      ...environment,
    },
    readFile: (path) => readFileSync(path, 'utf8'),
  })
}

const secretIn = (name: string) => readFileSync(join(directory, name), 'utf8').trim()

describe('dev mode', () => {
  test('makes what it needs at first, finds it the second time, and its files are for their owner only', async () => {
    const first = await startAuthority(settings('dev'))
    const secret = secretIn('dev-administrator')
    expect((await call(secret, 'get', `${first.url}/v1/agents`)).status).toBe(200)
    for (const name of ['dev-administrator', 'installation-administrator', 'wrapping-key', 'credence.db']) {
      expect([name, statSync(join(directory, name)).mode & 0o077]).toEqual([name, 0])
    }
    expect(existsSync(join(directory, 'dev-administrator.new'))).toBe(false)
    const person = await call(secret, 'post', `${first.url}/v1/people`, { name: 'Ada' })
    await first.stop()

    const again = await startAuthority({ ...settings('dev'), port: first.port })
    expect(again.url).toBe(first.url)
    expect(secretIn('dev-administrator')).toBe(secret)
    expect((await call(secret, 'get', `${again.url}/v1/people/${person.body.id}`)).body.name).toBe('Ada')
    await again.stop()
  })

  test('another origin than that of its data stops the start', async () => {
    const first = await startAuthority(settings('dev'))
    await first.stop()
    const other = startAuthority({ ...settings('dev'), origin: 'http://localhost:9' })
    await expect(other).rejects.toMatchObject({ code: 'config_unsafe', detail: expect.stringContaining(first.url) })
  })

  test('the organization at the origin is one of many', async () => {
    const { url, stop } = await startAuthority(settings('dev'))
    const made = await call(secretIn('installation-administrator'), 'post', `${url}/v1/organizations`, {
      handle: 'more',
    })
    expect(made.body.issuer).toBe(`${url}/o/more`)
    expect((await call(made.body.administrator.secret, 'get', `${url}/o/more/v1/agents`)).status).toBe(200)
    expect((await call(made.body.administrator.secret, 'get', `${url}/v1/agents`)).status).toBe(401)
    expect((await call(secretIn('dev-administrator'), 'get', `${url}/o/dev/v1/agents`)).status).toBe(404)
    await stop()
  })
})

test('a second process on the same data is refused with a sentence', async () => {
  const first = await startAuthority(settings('production'))
  await expect(startAuthority(settings('production'))).rejects.toMatchObject({ code: 'store_locked' })
  await first.stop()
})

test('a port that is taken stops the start with a sentence, and gives the data back', async () => {
  const first = await startAuthority(settings('dev'))
  const store = `sqlite:${join(directory, 'other.db')}`
  const elsewhere = join(directory, 'other')
  const taken = settings('production', {
    CREDENCE_PORT: String(first.port),
    CREDENCE_STORE: store,
    CREDENCE_DIRECTORY: elsewhere,
  })
  await expect(startAuthority(taken)).rejects.toMatchObject({ detail: expect.stringContaining('is in use') })
  const freed = await startAuthority({ ...taken, port: 0 })
  await Promise.all([first.stop(), freed.stop()])
})

test('a first secret that lies there is not replaced by that of another store', async () => {
  const first = await startAuthority(settings('production'))
  await first.stop()
  const secret = secretIn('installation-administrator')
  const other = settings('production', { CREDENCE_STORE: `sqlite:${join(directory, 'other.db')}` })
  const refused = { code: 'config_unsafe', detail: expect.stringContaining('already holds a first secret') }
  await expect(startAuthority(other)).rejects.toMatchObject(refused)
  expect(secretIn('installation-administrator')).toBe(secret)
  // Nothing was made: once the file is away, the first administrator of the other store is.
  rmSync(join(directory, 'installation-administrator'))
  const again = await startAuthority(other)
  expect(secretIn('installation-administrator')).not.toBe(secret)
  await again.stop()
})

test('a wrapping key that is missing or wrong stops the start', async () => {
  const before = settings('dev')
  const first = await startAuthority(before)
  await first.stop()
  const [name] = readFileSync(join(directory, 'wrapping-key'), 'utf8').split(':')
  const missing = { ...before, port: first.port, wrappingKeys: newWrappingKey('other') }
  await expect(startAuthority(missing)).rejects.toMatchObject({ code: 'wrapping_key_missing' })
  const wrong = { ...before, port: first.port, wrappingKeys: newWrappingKey(name) }
  await expect(startAuthority(wrong)).rejects.toMatchObject({ code: 'wrapping_key_wrong' })
})

test('stopping lets a request in progress finish, and refuses new connections', async () => {
  const authority = await startTestAuthority({ organizations: ['acme'] })
  const { acme } = authority.organizations
  const requests = Array.from({ length: 20 }, (_, n) => acme?.api('post', '/v1/people', { name: `P${n}` }))
  await requests[0]
  const stopped = authority.stop()
  const answers = await Promise.allSettled(requests)
  expect(answers.filter((answer) => answer.status === 'fulfilled' && answer.value?.status !== 201)).toEqual([])
  await stopped
  await expect(fetch(`${authority.origin}/healthz`)).rejects.toThrow()
})

test('above its limit the authority sheds with 503, and health and revocation go on', async () => {
  const authority = await startTestAuthority({ organizations: ['acme'], settings: { concurrentRequests: 1 } })
  const acme = authority.organizations.acme
  if (!acme) throw new Error('no organization')
  const { id } = (await acme.api('post', '/v1/people', { name: 'Ada' })).body
  const flood = () => Array.from({ length: 60 }, (_, n) => acme.api('post', '/v1/people', { name: `P${n}` }))
  const first = flood()
  const reserved = Promise.all([
    call(undefined, 'get', `${authority.origin}/healthz`),
    acme.api('post', '/v1/revocations', { id, cause: 'gone' }),
  ])
  expect((await reserved).map(({ status }) => status)).toEqual([200, 200])
  const answers = await Promise.all(first)
  // Nothing is shed while each is answered before the next arrives: that is chance, so it is tried until it is not so.
  while (answers.every(({ status }) => status !== 503)) answers.push(...(await Promise.all(flood())))
  const shed = answers.filter(({ status }) => status === 503)
  expect(shed.every(({ headers, body }) => headers.get('retry-after') === '1' && body.code === 'overloaded')).toBe(true)
  expect(answers.every(({ status }) => status === 201 || status === 503)).toBe(true)
  await authority.stop()
})

test('who does not finish a request is cut off, and everyone else is answered meanwhile', async () => {
  const authority = await startTestAuthority({ settings: { requestSeconds: 1 } })
  const slow = Array.from({ length: 50 }, () => {
    const socket = connect(authority.settings.port, '127.0.0.1')
    socket.write(
      'POST /v1/organizations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n',
    )
    return new Promise((resolve) => {
      socket.on('error', () => {}).resume()
      socket.on('close', resolve)
    })
  })
  expect((await call(undefined, 'get', `${authority.origin}/healthz`)).status).toBe(200)
  await Promise.all(slow)
  await authority.stop()
})

test('an address that fails too often is told to wait, and whoever there has the right secret is let through', async () => {
  const authority = await startTestAuthority({ organizations: ['acme'], settings: { failuresPerMinute: 5 } })
  const acme = authority.organizations.acme
  const statuses: number[] = []
  for (let n = 0; n < 8; n += 1) statuses.push((await call('wrong', 'get', `${acme?.issuer}/v1/agents`)).status)
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
  expect(statuses.slice(6)).toEqual([429, 429])
  const wrong = await call('wrong', 'get', `${acme?.issuer}/v1/agents`)
  expect([wrong.status, wrong.headers.get('retry-after')]).toEqual([429, '5'])
  expect((await acme?.api('get', '/v1/agents'))?.status).toBe(200)
  const kill = await acme?.api('post', '/v1/revocations', { id: 'task:gone-wrong', cause: 'runaway' })
  expect(kill?.status).toBe(200)
  await authority.stop()
})

test('of two first starts on one database one makes the first administrator', async (context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  const store = await freshDatabase()
  const secrets: string[] = []
  const start = () =>
    startAuthority(settings('production', { CREDENCE_STORE: store, CREDENCE_WRAPPING_KEYS: wrappingKeys }), {
      place: () => ({ prepare() {}, discard() {}, keep: (secret) => void secrets.push(secret) }),
    })
  const wrappingKeys = newWrappingKey()
  const both = await Promise.all([start(), start()])
  expect(secrets).toHaveLength(1)
  await Promise.all(both.map(({ stop }) => stop()))
})
