// A real authority for tests: started in this process on a free port, driven over HTTP, gone when the test is.
//
//   const authority = await startTestAuthority()
//   const acme = await authority.createOrganization('acme')
//   const { status, body } = await acme.api('post', '/v1/people', { name: 'Ada' })
//   await authority.stop()

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Clock,
  createLogger,
  newWrappingKey,
  parseConfig,
  type Settings,
  startAuthority,
} from '@credence/authority'
import { freshDatabase } from './postgres.ts'

export type TestAuthorityOptions = {
  /** Default: sqlite. */
  store?: 'sqlite' | 'postgres'
  /** Handles of organizations to make at once. */
  organizations?: string[]
  /** Default: production. `dev` has the organization `dev` at the origin. */
  mode?: 'dev' | 'production'
  /** Over the defaults. */
  settings?: Partial<Settings>
  clock?: Clock
}

export type TestAuthority = {
  origin: string
  installationSecret: string
  /** In dev mode: the organization at the origin. */
  dev: TestOrganization | undefined
  organizations: Record<string, TestOrganization>
  /** Every log line so far. */
  log: string[]
  /** What it was started with, to start another on the same data. */
  settings: Settings
  createOrganization(handle: string, more?: { signing_algorithm?: string }): Promise<TestOrganization>
  /** Ends the process's work and keeps the data; starting again finds it, on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export type TestOrganization = {
  id: string
  issuer: string
  trustDomain: string
  administratorSecret: string
  /** Calls the API as this organization's administrator. */
  api(method: string, path: string, body?: unknown): Promise<Answer>
}

// biome-ignore lint/suspicious/noExplicitAny: what a test expects of an answer is what it tests.
export type Answer = { status: number; body: any; headers: Headers }

export async function startTestAuthority(options: TestAuthorityOptions = {}): Promise<TestAuthority> {
  const directory = mkdtempSync(join(tmpdir(), 'credence-authority-'))
  const { mode = 'production', store = 'sqlite' } = options
  const wrappingKey = newWrappingKey()
  let settings: Settings = {
    ...parseConfig({
      mode,
      environment: mode === 'production' ? { CREDENCE_WRAPPING_KEYS: wrappingKey } : {},
      flags: {
        origin: 'http://localhost:1',
        domain: 'credence.example',
        store: store === 'sqlite' ? `sqlite:${join(directory, 'credence.db')}` : await freshDatabase(),
      },
      readFile: () => '',
    }),
    origin: '',
    port: 0,
    directory,
    logLevel: 'debug',
    ...options.settings,
  }
  const log: string[] = []
  const secrets = new Map<string, string>()
  const start = () =>
    startAuthority(settings, {
      log: createLogger(settings.logLevel, { write: (line) => void log.push(line) }),
      place: (name) => ({ prepare() {}, discard() {}, keep: (secret) => void secrets.set(name, secret) }),
      ...(options.clock && { clock: options.clock }),
    })
  let running = await start()
  settings = { ...settings, port: running.port }
  const origin = running.url
  const installationSecret = secrets.get('installation-administrator') ?? ''

  const createOrganization: TestAuthority['createOrganization'] = async (handle, more = {}) => {
    const { status, body } = await call(installationSecret, 'post', `${origin}/v1/organizations`, { handle, ...more })
    if (status !== 201) throw new Error(`no organization ${handle}: ${status} ${JSON.stringify(body)}`)
    return organization(body.id, body.issuer, body.trust_domain, body.administrator.secret)
  }

  const organizations: Record<string, TestOrganization> = {}
  for (const handle of options.organizations ?? []) organizations[handle] = await createOrganization(handle)

  return {
    origin,
    installationSecret,
    dev:
      mode === 'dev'
        ? organization('', origin, 'dev.credence.example', secrets.get('dev-administrator') ?? '')
        : undefined,
    organizations,
    log,
    settings,
    createOrganization,
    async restart() {
      await running.stop()
      running = await start()
    },
    async stop() {
      await running.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function organization(id: string, issuer: string, trustDomain: string, administratorSecret: string): TestOrganization {
  return {
    id,
    issuer,
    trustDomain,
    administratorSecret,
    api: (method, path, body) => call(administratorSecret, method, `${issuer}${path}`, body),
  }
}

/** Sends one request; `body` goes as JSON. */
export async function call(secret: string | undefined, method: string, url: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: method.toUpperCase(),
    headers: {
      ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers }
}
