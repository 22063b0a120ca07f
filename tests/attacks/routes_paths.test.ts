// Ways around the doors: other methods, other spellings of a path, headers that steer somebody else's router.

import { Agent, METHODS, request } from 'node:http'
import { endpoints } from '@credence/authority'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { Chance, newSeed } from '../faults/chance.ts'
import { nameOf, pathOf, queryOf, type Row } from './fitting.ts'
import { sendRaw } from './raw.ts'
import { Sender } from './sender.ts'
import { stateOf, thingsIn, type World, worldOf } from './world.ts'

let authority: TestAuthority
let acme: World
let sender: Sender
const seed = newSeed()
const chance = new Chance(seed)
const isLong = process.env.CREDENCE_LONG === '1'
const connections = new Agent({ keepAlive: true, maxSockets: 16 })

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'globex'], settings: { failuresPerMinute: 0 } })
  acme = await worldOf(authority.organizations.acme as TestOrganization)
  sender = new Sender(authority.origin, acme, '')
})
afterAll(async () => {
  connections.destroy()
  await authority.stop()
})

type Heard = { status: number; allow: string; text: string }

/** Sends a path as it is written: fetch would tidy it up. */
function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>()
  const sent = request({ host: '127.0.0.1', port: authority.settings.port, agent: connections, method, path, headers })
  sent.on('response', (answer) => {
    let text = ''
    answer.on('data', (data) => {
      text += data
    })
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, allow: answer.headers.allow ?? '', text }))
  })
  sent.on('error', reject)
  sent.end()
  return promise
}

const mountOf = (row: Row, handle = 'acme') => (row.at === 'origin' ? '' : `/o/${handle}`)
const placeOf = (row: Row) => `${mountOf(row)}${pathOf(row, thingsIn(row, acme))}`
const secretFor = ({ door }: Row) =>
  door === 'installation' ? authority.installationSecret : acme.organization.administratorSecret
const asAdministrator = (row: Row) => ({ authorization: `Bearer ${secretFor(row)}` })

const paths = [...Map.groupBy(endpoints, (row) => `${row.at ?? 'issuer'} ${row.path}`).values()].map((rows) => ({
  name: rows[0]?.path ?? '',
  rows,
  methods: rows.map(({ method }) => method.toUpperCase()),
}))

test.each(paths)('$name takes the methods of its rows, and no other', async ({ rows, methods }) => {
  const [row] = rows as [Row]
  const path = `${placeOf(row)}${row.door === 'public' ? queryOf(sender.valuesFor(row).query ?? {}) : ''}`
  const before = stateOf(authority)
  const others = METHODS.filter((method) => method !== 'CONNECT' && !methods.includes(method))
  const usual = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
  const drawn = isLong ? others : others.filter((method) => usual.includes(method) || chance.next() < 0.1)
  for (const method of drawn) {
    const { status, allow, text } = await send(method, path, asAdministrator(row))
    if (method === 'HEAD' && row.door === 'public') expect([status, text]).toEqual([200, ''])
    else {
      expect([seed, method, status]).toEqual([seed, method, 405])
      expect(new Set(allow.split(', '))).toEqual(new Set(methods))
    }
  }
  expect(stateOf(authority)).toBe(before)
})

test('a method that HTTP does not know, and a tunnel, open nothing', async () => {
  const head = `/o/acme/v1/agents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${acme.organization.administratorSecret}`
  for (const method of ['get', 'Get', 'GETT', 'TRACK', 'G\u0000ET', '']) {
    const { answers } = await sendRaw(authority.settings.port, `${method} ${head}\r\n\r\n`)
    expect([method, answers.map(({ status }) => status)]).toEqual([method, [400]])
  }
  for (const target of ['/o/acme/v1/agents', 'localhost:80', '127.0.0.1:22']) {
    const text = `CONNECT ${target} HTTP/1.1\r\nHost: localhost\r\n\r\nGET ${head}\r\n\r\n`
    const { answers, rest } = await sendRaw(authority.settings.port, text)
    expect([answers, rest]).toEqual([[], ''])
  }
  // An upgrade that nobody offers is a request like any other.
  const upgrade = `GET ${head}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`
  expect((await sendRaw(authority.settings.port, upgrade)).answers.map(({ status }) => status)).toEqual([200])
})

/** Other ways to write a path, some of which some router takes for it. */
function spellings(path: string): string[] {
  const parts = path.split('/').slice(1)
  const at = (n: number, written: string) => `/${parts.with(n, written).join('/')}`
  const within = parts.map((_, n) => `/${parts.slice(0, n).join('/')}`.replace(/^\/$/, ''))
  const first = (text: string) => `%${text.charCodeAt(0).toString(16)}${text.slice(1)}`
  return [
    `/${path}`,
    `${path}/`,
    `${path}//`,
    `${path}/.`,
    `${path};`,
    `${path}%2f`,
    `${path}%20`,
    `${path}%00`,
    `${path}%0d%0a`,
    `${path}.json`,
    `${path}#x`,
    `${path}%3f`,
    `/.${path}`,
    `/x/..${path}`,
    `/x/%2e%2e${path}`,
    `/healthz/..${path}`,
    `/healthz/%2E%2e${path}`,
    `/healthz/..%2f${path.slice(1)}`,
    `/healthz/..;${path}`,
    `/o/globex/..%2facme/${parts.at(-1)}`,
    `/o/globex/../../${path.slice(1)}`,
    `//evil.example${path}`,
    `/\\evil.example${path}`,
    path.toUpperCase(),
    path.replaceAll('/', '\\'),
    path.replaceAll('/', '%2f'),
    path.replaceAll('/', '//'),
    ...parts.flatMap((part, n) => [
      at(n, first(part)),
      at(n, first(first(part)).replace('%%', '%25')),
      at(n, `${part};a=b`),
      at(n, part.toUpperCase()),
      at(n, `${part}%00`),
      at(n, `%ef%bb%bf${part}`),
      at(n, `${part.slice(0, -1)}\u00ef`),
    ]),
    ...within.map((before) => `${before}/./${path.slice(before.length + 1)}`),
  ]
}

describe.each(endpoints.map((row) => ({ ...row, name: nameOf(row) })))(`FAULT_SEED=${seed}: $name`, (row) => {
  const method = row.method.toUpperCase()

  test('spelled otherwise is nothing else, and nothing more', async () => {
    const before = stateOf(authority)
    const { query = {} } = sender.valuesFor(row)
    const search = row.method === 'get' ? queryOf(query) : ''
    const written = (path: string) => (path.includes('#') ? path.replace('#', `${search}#`) : `${path}${search}`)
    const plain = await send(method, written(placeOf(row)))
    const isRead = row.method === 'get' && row.door !== 'agent'
    const right = isRead ? await send(method, written(placeOf(row)), asAdministrator(row)) : undefined
    const bare = ({ text }: Heard) => text.replaceAll(/"(?:at_ms|signed|root)":("[^"]*"|\d+)/g, '')
    for (const spelling of new Set(spellings(placeOf(row)))) {
      if (spelling === placeOf(row) || (!isLong && chance.next() > 0.4)) continue
      const heard = await send(method, written(spelling))
      // Nobody: no such path, or what is said of the path itself.
      const same = heard.status === plain.status && bare(heard) === bare(plain)
      expect([spelling, same || [400, 404, 405].includes(heard.status)]).toEqual([spelling, true])
      if (right === undefined || row.door === 'public') continue
      // Who may read it: there is one answer to every spelling that is taken for it.
      const answered = await send(method, written(spelling), asAdministrator(row))
      expect([spelling, [400, 404].includes(answered.status) || bare(answered) === bare(right)]).toEqual([
        spelling,
        true,
      ])
    }
    expect(stateOf(authority)).toBe(before)
  })

  test('does not go by headers that would have it elsewhere, or somebody else', async () => {
    const before = stateOf(authority)
    const { query = {} } = sender.valuesFor(row)
    const path = `${placeOf(row)}${row.method === 'get' ? queryOf(query) : ''}`
    const plain = await send(method, path)
    const steering: Record<string, string>[] = [
      ...['DELETE', 'GET', 'POST', 'PUT'].flatMap((other) => [
        { 'x-http-method-override': other, 'x-http-method': other, 'x-method-override': other, _method: other },
      ]),
      ...['/healthz', '/o/acme/jwks', '/o/globex/v1/agents'].map((other) => ({
        'x-original-url': other,
        'x-rewrite-url': other,
        'x-forwarded-uri': other,
        'x-original-uri': other,
        'x-forwarded-path': other,
        'x-forwarded-prefix': '/o/globex',
      })),
      { 'x-middleware-subrequest': 'src/middleware:src/middleware:src/middleware:src/middleware:src/middleware' },
      {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-forwarded-port': '1',
        forwarded: 'for=::1;host=a',
      },
      { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', 'true-client-ip': '127.0.0.1', via: '1.1 inside' },
      {
        'x-client-cert': 'x',
        'ssl-client-verify': 'SUCCESS',
        'x-forwarded-client-cert': 'By=x',
        'x-remote-user': 'root',
      },
      {
        'x-credence-caller': 'adm_AAAAAAAAAAAAAAAAAAAAAA',
        'x-organization': 'acme',
        'x-internal': '1',
        cookie: 'session=1',
      },
    ]
    const bare = ({ text }: Heard) => text.replaceAll(/"at_ms":\d+/g, '')
    for (const headers of steering) {
      const heard = await send(method, path, headers)
      expect([headers, heard.status, bare(heard)]).toEqual([headers, plain.status, bare(plain)])
      if (row.door === 'public') continue
      // Nor does a right secret get further with them: 405 where there is no such method, whatever a header says.
      const other = row.method === 'get' ? 'PUT' : 'HEAD'
      expect((await send(other, placeOf(row), { ...headers, ...asAdministrator(row) })).status).toBeGreaterThanOrEqual(
        400,
      )
    }
    expect(stateOf(authority)).toBe(before)
  })
})
