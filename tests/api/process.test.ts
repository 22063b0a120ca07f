import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { newWrappingKey } from '@credence/authority'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { call } from '../authority.ts'

// The authority as a process of its own, as it runs in production.

const main = resolve(import.meta.dirname, '../../packages/authority/src/main.ts')
let directory: string
let environment: Record<string, string>
let origin: string
const running: ChildProcess[] = []

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'credence-process-'))
  const port = await freePort()
  origin = `http://localhost:${port}`
  environment = {
    CREDENCE_PORT: String(port),
    CREDENCE_ORIGIN: origin,
    CREDENCE_DOMAIN: 'credence.example',
    CREDENCE_DIRECTORY: directory,
    CREDENCE_STORE: `sqlite:${join(directory, 'credence.db')}`,
    CREDENCE_WRAPPING_KEYS: newWrappingKey(),
  }
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

function start(more: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--conditions=@credence/source', main], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...environment, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  child.stderr.on('data', (data) => {
    output += data
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return { child, ended, output: () => output }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address ? address.port : 0
}

async function ready(): Promise<void> {
  for (let n = 0; n < 200; n += 1) {
    const status = await fetch(`${origin}/readyz`).then(
      (response) => response.status,
      () => 0,
    )
    if (status === 200) return
    await sleep(50)
  }
  throw new Error('the authority does not become ready')
}

test('the first secret is in a file for its owner, in no log, and stays the same', async () => {
  const first = start()
  await ready()
  const file = join(directory, 'installation-administrator')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const secret = readFileSync(file, 'utf8').trim()
  const made = await call(secret, 'post', `${origin}/v1/organizations`, { handle: 'acme' })
  expect(made.status).toBe(201)
  first.child.kill('SIGTERM')
  expect(await first.ended).toBe(0)
  expect(first.output()).not.toContain('credence_')
  expect(first.output()).toContain('the authority answers')

  const second = start()
  await ready()
  expect(readFileSync(file, 'utf8').trim()).toBe(secret)
  expect((await call(secret, 'get', `${origin}/v1/organizations`)).body.items).toHaveLength(1)
  second.child.kill('SIGINT')
  expect(await second.ended).toBe(0)
})

test('what was answered is there after kill -9, and the secret of before is good', async () => {
  const first = start()
  await ready()
  const secret = readFileSync(join(directory, 'installation-administrator'), 'utf8').trim()
  const acme = (await call(secret, 'post', `${origin}/v1/organizations`, { handle: 'acme' })).body
  const answered: string[] = []
  const load = (async () => {
    for (let n = 0; ; n += 1) {
      const { status, body } = await call(acme.administrator.secret, 'post', `${acme.issuer}/v1/people`, {
        name: `P${n}`,
      })
      if (status === 201) answered.push(body.id)
    }
  })()
  await expect.poll(() => answered.length, { interval: 5 }).toBeGreaterThan(20)
  first.child.kill('SIGKILL')
  await Promise.all([first.ended, load.catch(() => {})])

  start()
  await ready()
  for (const id of answered) {
    expect((await call(acme.administrator.secret, 'get', `${acme.issuer}/v1/people/${id}`)).status).toBe(200)
  }
})

test('a setting that is missing, unknown or unsafe ends the process with one sentence', async () => {
  const starts = [
    [{ CREDENCE_PROT: '1' }, 'Did you mean CREDENCE_PORT?'],
    [{ CREDENCE_ORIGIN: 'http://id.example' }, 'Use https, or a loopback host.'],
    [{ CREDENCE_WRAPPING_KEYS: '' }, 'CREDENCE_WRAPPING_KEYS is empty.'],
  ] as const
  await Promise.all(
    starts.map(async ([more, says]) => {
      const { ended, output } = start(more)
      expect(await ended).toBe(1)
      expect(output()).toContain(says)
      expect(output().trim().split('\n')).toHaveLength(1)
    }),
  )
})
