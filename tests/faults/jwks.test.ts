// F19, F20 and F36: what a verifier makes of an authority whose keys it cannot get, or who lies. It refuses, within bounds of time and
// of memory; no lie is taken for an identity; and once the truth is told it finds back by itself.

import {
  base64url,
  generateSigningKey,
  type JsonObject,
  newId,
  signAccessToken,
  signClientAssertion,
} from '@credence/protocol'
import { createAgent } from '@credence/sdk'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { claimsIn, post } from '../cast.ts'
import { callFeed, made, registerAgent, registerOperator } from '../revocation/enforcement_point.ts'
import { type Front, goesOn, keepsSilent, type Lie, neverEnds, says, sendsElsewhere, startFront } from './jwks_front.ts'
import { isLong } from './rounds.ts'

let authority: TestAuthority
let acme: TestOrganization
let api: Awaited<ReturnType<typeof registerOperator>>
let caller: Awaited<ReturnType<typeof registerAgent>>
const waiting = { timeout: 60_000, interval: 30 }

beforeAll(async () => {
  authority = await startTestAuthority({
    organizations: ['acme', 'globex'],
    settings: { failuresPerMinute: 0, heartbeatMs: 250 },
  })
  acme = authority.organizations.acme as TestOrganization
  api = await registerOperator(acme, 'api', { proof_mode: 'optional' })
  const permissions = [{ resource: api.audience, scope: 'repo:read' }]
  caller = await registerAgent(acme, 'caller', { capabilities: ['repo:read'], permissions })
})
afterAll(() => authority?.stop())

/** What a verifier that reaches its authority through `front` says of a token. */
class Guard {
  readonly front: Front
  readonly verifier: Verifier

  readonly #audience: string

  constructor(front: Front, { agent, key, audience } = api) {
    this.#audience = audience
    this.front = front
    const through: typeof fetch = (input, init) => {
      const { origin, pathname, search } = new URL(String(input))
      // Whoever is sent elsewhere gets there.
      return fetch(origin === authority.origin ? `${front.origin}${pathname}${search}` : String(input), init)
    }
    const { issuer } = acme
    const operator = createAgent({ issuer, clientId: agent.clientId, key, fetch: through })
    this.verifier = createVerifier({ resource: audience, issuers: [{ issuer, operator }], fetch: through })
  }

  async codeOf(token: string): Promise<string> {
    const request = new Request(this.#audience, { headers: { authorization: `Bearer ${token}` } })
    const verdict = await this.verifier.verify(request, { scope: 'repo:read' })
    return verdict.ok ? 'permitted' : verdict.refusal.code
  }

  async stop(): Promise<void> {
    await this.verifier.stop()
    await this.front.stop()
  }
}

const by = ({ agent, key }: Pick<typeof caller, 'agent' | 'key'>) => ({ agent, key })

/** A token that is bound to no key. */
async function bearerToken(resource = api.audience, { agent, key } = by(caller)): Promise<string> {
  const { clientId, issuer } = agent
  const now = Math.floor(Date.now() / 1_000)
  const form = new URLSearchParams({
    client_assertion: await signClientAssertion(key, { clientId, issuer, now }),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    grant_type: 'client_credentials',
    resource,
  })
  return (await post(`${issuer}/token`, form)).body.access_token
}

test('a storm of unknown key ids, and the signing key revoked in the middle of it', async () => {
  const guard = new Guard(await startFront(authority.origin))
  await guard.verifier.ready()
  const token = await bearerToken()
  expect(await guard.codeOf(token)).toBe('permitted')
  const [header = '', payload = '', signature = ''] = token.split('.')
  const named = JSON.parse(Buffer.from(header, 'base64url').toString())
  const forged = () => {
    const other = base64url.encode(Buffer.from(JSON.stringify({ ...named, kid: newId('sgk') })))
    return `${other}.${payload}.${signature}`
  }
  const asked = () => guard.front.asked.get('/jwks') ?? 0
  const before = asked()
  const storm = async () => {
    for (let n = 0; n < (isLong ? 5_000 : 500); n += 50) {
      const codes = await Promise.all(Array.from({ length: 50 }, () => guard.codeOf(forged())))
      expect(new Set(codes)).toEqual(new Set(['key_unknown']))
      expect(await guard.codeOf(token)).toMatch(/^(permitted|revoked)$/)
    }
  }
  await storm()
  expect(asked() - before).toBeLessThanOrEqual(1)

  const revoking = made(
    acme.api('post', `/v1/signing-keys/${named.kid}/revoke`, { cause: 'compromised', wait_ms: 10_000 }),
  )
  await storm()
  expect((await revoking).acknowledged).toMatchObject({ all: true, of: 1 })
  expect(await guard.codeOf(token)).toBe('revoked')
  expect(await guard.codeOf(await bearerToken())).toBe('permitted')
  // One for the storm, one for the successor.
  expect(asked() - before).toBeLessThanOrEqual(2)
  await guard.stop()
})

type Told = { where: string; lie: Lie }

/** What is lied, where. `sent`: bytes that endless answers were taken of; `evil`: an origin at which everything would be as it should. */
async function lies(sent: { bytes: number }, evil: string): Promise<Record<string, Told>> {
  const thief = await generateSigningKey('ES256', { extractable: true })
  const privateJwk = { ...thief.privateJwk, use: 'sig' }
  const took = (bytes: number) => {
    sent.bytes += bytes
  }
  const metadata = (await (await fetch(metadataUrl(acme))).json()) as JsonObject
  const of = (more: JsonObject) => says(JSON.stringify({ ...metadata, ...more }))
  const globex = authority.organizations.globex as TestOrganization
  const other = await registerOperator(globex, 'api', { proof_mode: 'optional' })
  const search = `resource=${encodeURIComponent(other.audience)}&nonce=a-nonce-of-mine`
  const otherBatch = await (await callFeed(other.agent, `/revocations?${search}`)).text()
  const otherKeys = await (await fetch(`${globex.issuer}/jwks`)).text()
  const at = (path: string) => `${evil}${new URL(acme.issuer).pathname}${path}`
  const stream = (text: string) => says(text, 'text/event-stream')
  const half = isLong ? { 'keys that never come': { where: '/jwks', lie: keepsSilent('{"keys":[') } } : {}
  return {
    'metadata of another issuer': { where: '/.well-known', lie: of({ issuer: globex.issuer }) },
    'metadata with keys elsewhere': { where: '/.well-known', lie: of({ jwks_uri: at('/jwks') }) },
    'metadata with tokens elsewhere': {
      where: '/.well-known',
      lie: of({ token_endpoint: at('/token') }),
    },
    'metadata without an end': { where: '/.well-known', lie: neverEnds(' '.repeat(4_096), 'application/json', took) },
    'a page instead of metadata': { where: '/.well-known', lie: says('<html>', 'text/html') },
    'keys of another organization': { where: '/jwks', lie: says(otherKeys) },
    'keys that are elsewhere': { where: '/jwks', lie: sendsElsewhere(at('/jwks')) },
    'a private key': { where: '/jwks', lie: says(JSON.stringify({ keys: [privateJwk] })) },
    'a key for another use': {
      where: '/jwks',
      lie: says(JSON.stringify({ keys: [{ ...thief.publicJwk, use: 'enc' }] })),
    },
    'a symmetric key': { where: '/jwks', lie: says(JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'any' }] })) },
    'no keys': { where: '/jwks', lie: says('{"keys":[]}') },
    'a thousand keys': { where: '/jwks', lie: says(JSON.stringify({ keys: Array(1_000).fill(thief.publicJwk) })) },
    'keys without an end': { where: '/jwks', lie: neverEnds('{"keys":['.padEnd(4_096), 'application/json', took) },
    'keys as a failure': { where: '/jwks', lie: says(otherKeys, 'application/json', 500) },
    ...half,
    'a token that is none': { where: '/token', lie: says('{"access_token":7}') },
    'a token without an end': { where: '/token', lie: neverEnds('{'.padEnd(4_096), 'application/json', took) },
    'another resource': {
      where: '/v1/resources',
      lie: says(JSON.stringify({ items: [{ audience: other.audience }] })),
    },
    'no such resource': { where: '/v1/resources', lie: says('{"items":[]}') },
    'a feed that is elsewhere': { where: '/revocations/stream', lie: sendsElsewhere(at('/revocations/stream')) },
    'news of another organization': {
      where: '/revocations/stream',
      lie: stream(`event: batch\ndata: ${otherBatch}\n\n`),
    },
    'news that is none': { where: '/revocations/stream', lie: stream('event: batch\ndata: {}\n\n') },
    'one event without an end': {
      where: '/revocations/stream',
      lie: neverEnds('x'.repeat(4_096), 'text/event-stream', took),
    },
    'comments without an end': { where: '/revocations/stream', lie: goesOn(':\n', 'text/event-stream') },
    'a page instead of a feed': { where: '/revocations/stream', lie: says('<html>\n\n', 'text/html') },
  }
}

function metadataUrl({ issuer }: TestOrganization): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${pathname}`
}

test('an authority that lies from the start: nobody passes, and the truth is enough to go on', {
  timeout: 120_000,
}, async () => {
  const sent = { bytes: 0 }
  const token = await bearerToken()
  const forged = await signAccessToken(await generateSigningKey('ES256'), claimsIn(token))
  const evil = await startFront(authority.origin)
  const told = Object.entries(await lies(sent, evil.origin))
  const trials = told.map(async ([name, { where, lie }]) => {
    const front = await startFront(authority.origin)
    front.lies.set(where, lie)
    const guard = new Guard(front)
    await expect.poll(() => front.lied, { ...waiting, message: name }).toBeGreaterThan(isLong ? 1 : 0)
    for (let turn = 0; turn < 20; turn++) {
      expect([await guard.codeOf(token), await guard.codeOf(forged)], name).toEqual(['not_ready', 'not_ready'])
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(guard.verifier.state().ready, name).toBe(false)
    front.lies.clear()
    await expect.poll(() => guard.codeOf(token), { ...waiting, message: name }).toBe('permitted')
    expect(await guard.codeOf(forged), name).toBe('key_unknown')
    await guard.stop()
  })
  await Promise.all(trials)
  // Nobody was sent there, with a secret or without.
  expect([...evil.asked]).toEqual([])
  await evil.stop()
  // Each endless answer is given up after what is too large for an answer, again and again, less and less often.
  expect(sent.bytes).toBeLessThan(256 * 2 ** 20)
})

test('of two authorities that a service trusts, the one that lies takes nothing from the other', {
  timeout: 120_000,
}, async () => {
  const globex = authority.organizations.globex as TestOrganization
  const there = await registerOperator(globex, 'shared', { proof_mode: 'optional' })
  const here = await registerOperator(acme, 'shared', { proof_mode: 'optional' })
  const front = await startFront(authority.origin)
  const through: typeof fetch = (input, init) => {
    const { pathname, search } = new URL(String(input))
    return fetch(`${pathname.includes('/acme') ? front.origin : authority.origin}${pathname}${search}`, init)
  }
  const operatorOf = ({ agent, key }: typeof api) => {
    const { issuer, clientId } = agent
    return { issuer, operator: createAgent({ issuer, clientId, key, fetch: through }) }
  }
  front.lies.set(
    '/acme',
    neverEnds('x'.repeat(4_096), 'text/event-stream', () => {}),
  )
  const issuers = [operatorOf(here), operatorOf(there)]
  const verifier = createVerifier({ resource: here.audience, issuers, fetch: through })
  const may = { capabilities: ['repo:read'], permissions: [{ resource: here.audience, scope: 'repo:read' }] }
  const { agent, key } = await registerAgent(globex, 'caller', may)
  const token = await bearerToken(here.audience, { agent, key })
  const call = async () => {
    const request = new Request(here.audience, { headers: { authorization: `Bearer ${token}` } })
    const verdict = await verifier.verify(request, { scope: 'repo:read' })
    return verdict.ok ? 'permitted' : verdict.refusal.code
  }
  await expect.poll(() => front.lied, waiting).toBeGreaterThan(1)
  await expect.poll(call, waiting).toBe('permitted')
  expect(verifier.state().issuers[acme.issuer]).toMatchObject({ fresh: false, seq: 0 })
  await verifier.stop()
  await front.stop()
})

test('an authority that begins to lie: what was known holds for a lease, and no longer', {
  timeout: 120_000,
}, async () => {
  const short = await registerOperator(acme, 'short', { proof_mode: 'optional', max_staleness_ms: 1_000 })
  const permissions = [api, short].map(({ audience }) => ({ resource: audience, scope: 'repo:read' }))
  await made(acme.api('patch', `/v1/agents/${caller.id}`, { permissions }))
  const token = await bearerToken(short.audience)
  const forged = await signAccessToken(await generateSigningKey('ES256'), claimsIn(token))
  const guard = new Guard(await startFront(authority.origin), short)
  await guard.verifier.ready()
  await expect.poll(() => guard.codeOf(token), waiting).toBe('permitted')
  const { front } = guard
  front.lies.set('/jwks', says('{"keys":[]}'))
  front.lies.set('/revocations', says('event: batch\ndata: {}\n\n', 'text/event-stream'))
  front.cut()
  await expect.poll(() => guard.codeOf(token), waiting).toBe('lease_over')
  expect(await guard.codeOf(forged)).toBe('key_unknown')
  front.lies.clear()
  await expect.poll(() => guard.codeOf(token), waiting).toBe('permitted')
  expect(await guard.codeOf(forged)).toBe('key_unknown')
  await guard.stop()
})
