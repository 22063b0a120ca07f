// What the authority reads before it knows who asks.

import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { endpoints, parseConfig } from '@credence/authority'
import { isHandle, isJsonObject, type JsonValue, parseJson } from '@credence/protocol'
import { newSecret, readSecret, sameHash } from '../../../packages/authority/src/agents/secret.ts'
import { authenticateClient } from '../../../packages/authority/src/authentication/index.ts'
import { page } from '../../../packages/authority/src/endpoints/page.ts'
import { addressOf } from '../../../packages/authority/src/http/address.ts'
import { hasBody, readBody } from '../../../packages/authority/src/http/body.ts'
import type { Call } from '../../../packages/authority/src/http/endpoint.ts'
import { requireOwnOrigin } from '../../../packages/authority/src/http/origin.ts'
import { parseParameters } from '../../../packages/authority/src/http/parameters.ts'
import { requestOf } from '../../../packages/authority/src/http/request.ts'
import { validate } from '../../../packages/authority/src/http/validate.ts'
import type { Organization, Services } from '../../../packages/authority/src/services.ts'
import { readTraceContext, writeTraceparent } from '../../../packages/authority/src/telemetry/trace_context.ts'
import { canary, read, readNow, type Target, textOf, valuesOf } from '../target.ts'

const source = (...names: string[]) => names.map((name) => `packages/authority/src/${name}.ts`)

const parameters: Target = {
  name: 'form_parameters',
  form: 'pairs',
  seeds: ['grant_type=client_credentials&resource=https%3A%2F%2Fapi.example%2F&scope=a+b', 'a=%C3%A9&b=&c', 'a=1&a=2'],
  sources: [],
  words: ['&', '=', '+', '%', '%20', '%26', '%3D', '%C3%A9', '%ff', '%0a', ';', '#', '[]', 'a'],
  check(input) {
    const given = textOf(input)
    const ours = readNow(() => parseParameters(given))
    if (ours.refused !== undefined) return ours.refused
    // Behind `&`, because a question mark in front would be taken for that of a query.
    const theirs = [...new URLSearchParams(`&${given}`)]
    assert.deepEqual(Object.entries(ours.value).toSorted(), theirs.toSorted())
    assert.deepEqual(parseParameters(new URLSearchParams(ours.value).toString()), ours.value)
    return `accepted ${Math.min(3, theirs.length)}`
  },
}

const bodied = endpoints.filter(({ body, query }) => body || query)

const body: Target = {
  name: 'request_body',
  form: 'text',
  seeds: bodied.flatMap(({ body, bodyType, query }, place) => {
    const names = Object.keys(body?.shape ?? query?.shape ?? {})
    const form = names.map((name) => `${name}=x`).join('&')
    return [
      `${place}\napplication/json\n${JSON.stringify(Object.fromEntries(names.map((name) => [name, 'x'])))}`,
      `${place}\napplication/x-www-form-urlencoded\n${form}`,
    ].slice(bodyType === 'form' ? 1 : 0)
  }),
  sources: source('endpoints/agents', 'endpoints/token', 'endpoints/resources', 'endpoints/schemas', 'http/body'),
  words: [
    'application/json; charset=utf-8',
    'application/json;charset=latin1',
    '{"jwk":{}}',
    '[]',
    '\n',
    ...bodied.map((_, place) => `${place}\n`),
  ],
  share: 3,
  check(input) {
    const [number = '', type = '', ...rest] = textOf(input).split('\n')
    const endpoint = bodied[Number(number) % bodied.length]
    if (endpoint === undefined || !/^[\x20-\x7e]*$/.test(type)) return 'no request'
    const bytes = new Uint8Array(Buffer.from(rest.join('\n')))
    const headers = { 'content-type': type, 'content-length': String(bytes.length) }
    const request = { headers: new Headers(headers) }
    const taken = readNow(() => hasBody(endpoint, request) && readBody(endpoint, request, bytes))
    const { query } = endpoint
    const queried = query && readNow(() => validate(query, parseParameters(rest.join('\n').slice(0, 2_048)), 'query'))
    if (taken.refused === undefined && taken.value)
      assert.ok(JSON.stringify(taken.value).length <= 8 * bytes.length + 4_096)
    return `${endpoint.path} ${taken.refused ?? typeof taken.value} ${queried && (queried.refused ?? 'query')}`
  },
}

const traceContext: Target = {
  name: 'trace_context',
  form: 'text',
  seeds: [
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more',
  ],
  sources: [],
  words: ['ff-', '00-', '-', '0'.repeat(32), '0'.repeat(16), 'A', '-00', '-01'],
  maxBytes: 512,
  check(input) {
    const headers = headersOf({ traceparent: textOf(input) })
    if (headers === undefined) return 'no header'
    const found = readTraceContext(headers)
    assert.match(found.traceId, /^(?!0{32})[0-9a-f]{32}$/)
    if (found.parentId === undefined) return 'new'
    assert.match(found.parentId, /^(?!0{16})[0-9a-f]{16}$/)
    assert.ok(headers.get('traceparent')?.includes(`${found.traceId}-${found.parentId}`))
    const written = writeTraceparent(found, found.parentId)
    assert.deepEqual(readTraceContext(new Headers({ traceparent: written })), found)
    return `read ${found.sampled}`
  },
}

const forwarded: Target = {
  name: 'forwarded_address',
  form: 'text',
  seeds: [
    '1\n192.0.2.1\n10.0.0.1',
    '1\n[2001:db8::1]:443\n10.0.0.1',
    '2\n2001:db8::1, 192.0.2.7\n::ffff:10.0.0.1',
    '0\n\nfe80::1%eth0',
  ],
  sources: [],
  words: [',', ' ', '::', ':', '::ffff:', '192.0.2.1', '2001:db8:1:2:3:4:5:6', '1', '2', 'unknown', '[', ']', '%'],
  check(input) {
    const [hops = '', header = '', connection = ''] = textOf(input).split('\n')
    const count = Number(/^[0-4]/.exec(hops)?.[0] ?? 1)
    const of = (value: string) => {
      const headers = headersOf({ 'x-forwarded-for': value })
      return headers && addressOf({ headers, connection: connection || undefined }, count)
    }
    const found = of(header)
    if (found === undefined) return 'no header'
    assert.ok(found.length > 0 && found.length <= 64)
    // One caller is one address, whichever port it came from.
    if (/^[\d.]+$/.test(header)) assert.equal(of(`${header}:1`), of(`${header}:22`))
    // What the caller wrote to the left of our own proxies changes nothing.
    if (header.split(',').length >= count) {
      for (const left of ['6.6.6.6', canary, '2001:db8::bad']) assert.equal(of(`${left}, ${header.trim()}`), found)
    }
    return `${count} ${found.includes(':')}`
  },
}

const config: Target = {
  name: 'configuration',
  form: 'lines',
  seeds: [
    `{"CREDENCE_ORIGIN":"https://id.example","CREDENCE_DOMAIN":"example","CREDENCE_STORE":"sqlite:x.db","CREDENCE_WRAPPING_KEYS":"a:${'A'.repeat(43)}"}\n{"port":"1"}\n"production"`,
    '{}\n{"port":"4600","host":"127.0.0.1"}\n"dev"',
    `{"CREDENCE_WRAPPING_KEYS_FILE":"keys","CREDENCE_HEARTBEAT":"1s"}\n{"origin":"https://id.example","domain":"example","store":"postgres://u:p@h/d"}\n"production"`,
  ],
  sources: source('config', 'config/parse'),
  words: ['CREDENCE_PORT', 'CREDENCE_LOG', 'dev', 'production', '127.0.0.1', 'CREDENCE_', '_FILE'],
  check(input) {
    const [environment, flags, mode] = valuesOf(input).map((value) => (isJsonObject(value) ? textsOf(value) : value))
    if (!isJsonObject(environment) || !isJsonObject(flags)) return 'no settings'
    const ours = readNow(
      () =>
        parseConfig({
          environment: environment as Record<string, string>,
          flags: flags as Record<string, string>,
          mode: mode === 'dev' ? 'dev' : 'production',
          readFile: () => `b:${'B'.repeat(43)}\n`,
        }),
      // A name that is not a setting is shown; what it was set to never is.
      { show: true },
    )
    if (ours.refused !== undefined) {
      assert.match(ours.refused, /^config_(unknown_key|missing|invalid|unsafe) /)
      for (const value of Object.values({ ...environment, ...flags })) {
        if (
          String(value).includes(canary) &&
          !Object.keys({ ...environment, ...flags }).some((name) => name.includes(canary))
        )
          assert.ok(!ours.refused.includes(canary))
      }
      return ours.refused.replaceAll(/no setting .*?\./g, '').replaceAll(/flag --.*?\./g, '')
    }
    const { origin, port, heartbeatMs, maxStalenessMs, wrappingKeys } = ours.value
    assert.ok(port >= 0 && port <= 65_535 && heartbeatMs * 2 <= maxStalenessMs)
    if (origin !== '') assert.equal(new URL(origin).origin, origin)
    if (ours.value.mode === 'production') assert.ok(wrappingKeys !== '' && !wrappingKeys.startsWith('dev'))
    return `accepted ${ours.value.mode}`
  },
}

function textsOf(value: { readonly [name: string]: JsonValue }): { [name: string]: JsonValue } {
  return Object.fromEntries(
    Object.entries(value).filter((each): each is [string, string] => typeof each[1] === 'string'),
  )
}

const id = `crd_${'c'.repeat(21)}A`
const text = `credence_cs_${'c'.repeat(21)}A_${'s'.repeat(43)}`
const spiffeId = 'spiffe://acme.example/agent/alpha'
const agent = `agt_${'a'.repeat(21)}A`
const organization = {
  id: `org_${'o'.repeat(21)}A`,
  handle: 'acme',
  issuer: 'https://id.example/o/acme',
  trustDomain: 'acme.example',
  displayName: '',
  signingAlgorithm: 'ES256',
  createdAtMs: 0,
} satisfies Organization

const secrets: Target = {
  name: 'secrets',
  form: 'text',
  seeds: [
    text,
    text.replace('_cs_', '_ak_'),
    text.replace('_cs_', '_adm_'),
    newSecret('client_secret', id).text.replace(/.{43}$/, 'x'.repeat(43)),
  ],
  sources: source('agents/secret'),
  words: ['_', 'credence_', 'cs', 'ak', 'adm', 'c', '-', '\n'],
  maxBytes: 512,
  check(input) {
    const given = textOf(input)
    const found = readSecret(given)
    if (found === undefined) return 'none'
    const { kind, id, hash } = found
    assert.equal(hash, createHash('sha256').update(given).digest('base64url'))
    assert.match(id, kind === 'administrator' ? /^adm_/ : /^crd_/)
    assert.ok(
      given.startsWith(
        `credence_${{ client_secret: 'cs', api_key: 'ak', administrator: 'adm' }[kind]}_${id.slice(4)}_`,
      ),
    )
    assert.ok(
      sameHash(hash, hash) && !sameHash('', hash) && !sameHash(hash.slice(1), hash) && !sameHash(`${hash}x`, hash),
    )
    return kind
  },
}

/** A store that knows one agent with one client secret. */
const rows: Record<string, Record<string, unknown>> = {
  agents: {
    id: agent,
    handle: 'alpha',
    spiffe_id: spiffeId,
    owner: 'psn',
    purpose: '',
    version: '1',
    capabilities: '[]',
    permissions: '[]',
    credential_policy: '{"kinds":["client_secret","api_key","public_key"]}',
    status: 'active',
    created_at_ms: 0,
  },
  credentials: {
    id,
    holder: agent,
    instance: null,
    kind: 'client_secret',
    kid: null,
    alg: null,
    public_jwk: null,
    secret_hash: createHash('sha256').update(text).digest('base64url'),
    scope: null,
    created_at_ms: 0,
    not_before: 0,
    expires_at: null,
    last_used_at_ms: null,
    ended_at_ms: null,
  },
  secrets: { name: 'cursor', sealed: 'sealed' },
}
const reads = {
  get: async (table: string, where: Record<string, unknown>) => {
    const row = rows[table]
    return row &&
      Object.entries(where).every(
        ([column, value]) => row[column] === value || (table === 'secrets' && column === 'name'),
      )
      ? row
      : undefined
  },
  standing: async () => [],
}
const services = {
  config: { clockToleranceSeconds: 5 },
  store: { of: () => reads },
  clock: { nowMs: () => 1_800_000_000_000, monotonicMs: () => 0, settledMs: () => 0, aheadMs: () => 0 },
  sealer: { open: async () => new Uint8Array(32) },
  refusals: { count() {} },
} as unknown as Services

const basic = (of: string) => `Basic ${Buffer.from(of).toString('base64')}`

const client: Target = {
  name: 'client_authentication',
  form: 'lines',
  seeds: [
    `${basic(`${encodeURIComponent(spiffeId)}:${text}`)}\n{}`,
    `\n{"client_id":"${spiffeId}","client_secret":"${text}"}`,
    `Bearer credence_ak_${'c'.repeat(21)}A_${'s'.repeat(43)}\n{}`,
    `\n{"client_assertion":"e30.e30.AA","client_assertion_type":"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}`,
  ],
  sources: source('authentication/client_secret_basic', 'authentication/private_key_jwt', 'authentication/api_key'),
  words: ['Basic ', 'basic ', 'Bearer ', text, spiffeId, ':', 'Og==', 'client_id', 'client_secret', 'client_assertion'],
  async check(input) {
    const [authorization = '', given = ''] = textOf(input).split('\n')
    const headers = headersOf(authorization === '' ? {} : { authorization })
    const form = readNow(() => parseJson(given)).value
    if (headers === undefined || !isJsonObject(form)) return 'no request'
    const request = requestOf({
      method: 'POST',
      url: '/token',
      headersDistinct: distinct(headers),
      socket: {},
    } as IncomingMessage)
    const ours = await read(() =>
      authenticateClient(services, { organization, request, form: textsOf(form) as Record<string, string> }),
    )
    if (ours.refused !== undefined) return ours.refused
    // Whoever is let in has shown the one secret there is.
    const shown = `${Buffer.from(authorization.replace(/^basic /i, ''), 'base64')
      .toString('latin1')
      .replaceAll('+', ' ')} ${JSON.stringify(form)}`
    assert.ok(
      decodeURIComponent(shown.replaceAll(/%(?![0-9a-f]{2})/gi, '%25')).includes(text),
      'let in without the secret',
    )
    assert.equal(ours.value.agent.id, agent)
    return 'accepted'
  },
}

const list = { items: Array.from({ length: 9 }, (_, place) => `item_${place}`) }
const call = { organization, endpoint: { method: 'get', path: '/v1/things' }, params: {} }
const listed = (cursor: string | undefined, limit: number, kind: string) =>
  page(
    services,
    { ...call, query: { limit, kind, ...(cursor !== undefined && { cursor }) } } as unknown as Call<
      unknown,
      { limit: number; cursor?: string }
    >,
    {
      read: async (after, limit) => list.items.filter((item) => after === undefined || item > after).slice(0, limit),
      placeOf: (item) => item,
    },
  )
const cursors = await Promise.all(
  [1, 2, 8].map(async (limit) => (await listed(undefined, limit, 'a')).next.next_cursor ?? ''),
)
const foreign = (await listed(undefined, 1, 'b')).next.next_cursor ?? ''

const pages: Target = {
  name: 'page_cursor',
  form: 'compact',
  seeds: [...cursors, foreign, 'e30.AA', ''],
  sources: [],
  words: ['.', '"item_3"', 'ImEi', foreign],
  maxBytes: 512,
  async check(input) {
    const cursor = textOf(input)
    const ours = await read(() => listed(cursor, 3, 'a'))
    const isOurs = cursors.includes(cursor)
    assert.equal(ours.refused === undefined, isOurs, 'a cursor that was never given')
    if (ours.refused !== undefined) assert.match(ours.refused, /^cursor_invalid/)
    return ours.refused ?? 'accepted'
  },
}

const origin: Target = {
  name: 'own_origin',
  form: 'text',
  seeds: [
    'localhost:4600\nhttp://localhost:4600\nPOST',
    '127.0.0.1:4600\n\nGET',
    'evil.example\nhttps://evil.example\nPOST',
    'a.localhost\nnull\nDELETE',
    'localhost\n\nGET\nhttp://evil.example/v1?x',
  ],
  sources: source('http/origin'),
  words: [
    'localhost',
    '127.0.0.1',
    '[::1]',
    '0.0.0.0',
    '@',
    '/',
    '\\',
    '#',
    '.',
    ':4600',
    'http://',
    'null',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '2130706433',
    'ｌocalhost',
  ],
  maxBytes: 512,
  check(input) {
    const [host = '', from = '', method = 'GET', target = '/'] = textOf(input).split('\n')
    const headers = headersOf({ ...(host !== '' && { host }), ...(from !== '' && { origin: from }) })
    if (headers === undefined || !['GET', 'POST', 'DELETE', 'PATCH'].includes(method)) return 'no request'
    const request = requestOf({
      method,
      url: target,
      headersDistinct: distinct(headers),
      socket: {},
    } as IncomingMessage)
    assert.ok(request.path === '' || (request.path.startsWith('/') && !request.path.includes('?')))
    assert.ok(target.endsWith(`${request.path}${request.search}`))
    const ours = readNow(() => requireOwnOrigin(request, { host: '127.0.0.1', origin: 'http://localhost:4600' }))
    if (ours.refused !== undefined) return ours.refused
    if (method !== 'GET' && headers.has('origin')) assert.equal(headers.get('origin'), 'http://localhost:4600')
    const named = URL.parse(`http://${headers.get('host')}`)?.hostname ?? ''
    if (request.host !== undefined) {
      const other = URL.parse(`http://${request.host}`)?.hostname ?? ''
      assert.ok(/^(?:(?:.*\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(other), `answers to ${other}`)
    }
    assert.ok(/^(?:(?:.*\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(named), `answers to ${named}`)
    return `accepted ${isHandle(named)}`
  },
}

function distinct(headers: Headers): Record<string, string[]> {
  return Object.fromEntries([...headers].map(([name, value]) => [name, [value]]))
}

/** Headers as they can arrive at all. */
function headersOf(fields: Record<string, string>): Headers | undefined {
  try {
    return new Headers(fields)
  } catch {
    return undefined
  }
}

export const targets: readonly Target[] = [
  parameters,
  body,
  traceContext,
  forwarded,
  config,
  secrets,
  client,
  pages,
  origin,
]
