import { inspect } from 'node:util'
import { joinChain, readStatement, splitChain, verifyDpopProof } from '@credence/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock } from '../../test/manual_clock.ts'
import { type Agent, AgentKey, createAgent, delegateAs } from '../index.ts'
import type { Fetch } from '../runtime.ts'

const clientId = 'spiffe://acme.example/agent/payer'
const resource = 'https://api.example/ledger'

let clock: ManualClock
let issuer: FakeIssuer
let key: AgentKey
let agent: Agent

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
  key = await AgentKey.generate({ algorithm: 'EdDSA' })
  agent = await issuer.agent(clientId, key)
})

describe('tokens', () => {
  test('are asked for once per resource, scope, task and delegation, however many want them', async () => {
    const wanted = { resource, scope: 'ledger:read ledger:write' }
    const tokens = await Promise.all(Array.from({ length: 20 }, () => agent.token(wanted)))
    expect(new Set(tokens).size).toBe(1)
    expect(await agent.token({ resource, scope: ['ledger:write', 'ledger:read'] })).toBe(tokens[0])
    expect(issuer.count('/token')).toBe(1)
    expect(issuer.count('metadata')).toBe(1)
    await agent.token({ ...wanted, task: 'invoice-7' })
    await agent.token({ resource })
    await agent.token({ resource: 'https://api.example/other', scope: wanted.scope })
    expect(issuer.count('/token')).toBe(4)
  })

  test('are renewed ahead of their expiry, without anybody waiting', async () => {
    const first = await agent.token({ resource })
    await clock.advance(issuer.tokenSeconds * 1000 * 0.69)
    expect(await agent.token({ resource })).toBe(first)
    await clock.advance(issuer.tokenSeconds * 1000 * 0.02)
    expect(await agent.token({ resource })).toBe(first)
    await expect.poll(() => agent.token({ resource })).not.toBe(first)
    expect(issuer.count('/token')).toBe(2)
  })

  test('that cannot be renewed are used until shortly before their end, and the authority is not hammered', async () => {
    const first = await agent.token({ resource })
    issuer.reachable = false
    await clock.advance(issuer.tokenSeconds * 1000 * 0.8)
    for (let n = 0; n < 10; n++) expect(await agent.token({ resource })).toBe(first)
    await clock.advance(issuer.tokenSeconds * 1000 * 0.2)
    await expect(agent.token({ resource })).rejects.toMatchObject({ code: 'authority_unreachable' })
  })

  test('a failure is not kept', async () => {
    issuer.answerTokensWith(() =>
      Response.json({ error: 'invalid_target', error_code: 'resource_unknown' }, { status: 400 }),
    )
    await expect(agent.token({ resource })).rejects.toMatchObject({ code: 'resource_unknown' })
    issuer.answerTokensWith(undefined)
    expect((await agent.token({ resource })).type).toBe('DPoP')
  })

  test('an answer that is no token, or no JSON, is refused', async () => {
    for (const body of [
      '',
      '<html>',
      '[]',
      '{"access_token":1,"expires_in":5,"token_type":"DPoP"}',
      '{"access_token":"a"}',
    ]) {
      issuer.answerTokensWith(() => new Response(body))
      await expect(agent.token({ resource })).rejects.toMatchObject({ code: 'authority_answer_invalid' })
    }
  })

  test('a nonce the authority asks for is given, once', async () => {
    issuer.nonce = 'n-1'
    await agent.token({ resource })
    expect(issuer.count('/token')).toBe(2)
    await agent.token({ resource, scope: 'ledger:write' })
    expect(issuer.count('/token')).toBe(3)
    issuer.answerTokensWith(() =>
      Response.json(
        { error: 'use_dpop_nonce', error_code: 'nonce_required' },
        { status: 400, headers: { 'dpop-nonce': 'n-2' } },
      ),
    )
    await expect(agent.token({ resource, task: 'x' })).rejects.toMatchObject({ code: 'nonce_required' })
    expect(issuer.count('/token')).toBe(5)
  })

  test('do not print', async () => {
    const token = await agent.token({ resource })
    const seen = `${token} ${JSON.stringify(token)} ${inspect(token, { showHidden: true })} ${inspect({ ...token })} ${inspect(agent, { depth: 9 })}`
    expect(token.value.split('.')).toHaveLength(3)
    expect(seen).not.toContain(token.value.slice(0, 40))
  })
})

describe('the authority’s metadata', () => {
  test('of another issuer is refused, and no assertion is signed for it', async () => {
    issuer.metadata = {
      issuer: 'https://evil.example',
      token_endpoint: `${issuer.issuer}/token`,
      introspection_endpoint: `${issuer.issuer}/introspect`,
      jwks_uri: `${issuer.issuer}/jwks`,
    }
    await expect(agent.token({ resource })).rejects.toMatchObject({ code: 'metadata_mismatch' })
    expect(issuer.count('/token')).toBe(0)
  })

  test('that points to another origin, or to plain http, is refused', async () => {
    for (const endpoint of [
      'https://evil.example/token',
      'http://authority.example/token',
      'javascript:alert(1)',
      '/token',
      7,
    ]) {
      issuer.metadata = {
        issuer: issuer.issuer,
        token_endpoint: endpoint,
        introspection_endpoint: `${issuer.issuer}/i`,
        jwks_uri: `${issuer.issuer}/jwks`,
      }
      await expect(agent.token({ resource })).rejects.toMatchObject({
        code: expect.stringMatching(/^(metadata_mismatch|authority_answer_invalid)$/),
      })
    }
  })

  test('is asked for again after a failure', async () => {
    issuer.reachable = false
    await expect(agent.token({ resource })).rejects.toMatchObject({ code: 'authority_unreachable' })
    issuer.reachable = true
    await agent.token({ resource })
  })
})

describe('a signed call', () => {
  type Seen = { url: string; method: string; headers: Headers; body: unknown }
  let seen: Seen[]
  let answers: Array<() => Response>

  const caller = (): Agent => {
    const fetch: Fetch = async (input, init = {}) => {
      const url = String(input)
      if (url.startsWith('https://authority.example')) return issuer.fetch(url, init)
      seen.push({ url, method: init.method ?? 'GET', headers: new Headers(init.headers), body: init.body })
      return answers.shift()?.() ?? new Response('done')
    }
    return createAgent({ issuer: issuer.issuer, clientId, key, clock, fetch, random: () => 0.5 })
  }
  const to =
    (location: string, status = 307) =>
    () =>
      new Response(null, { status, headers: { location } })

  beforeEach(async () => {
    seen = []
    answers = []
    await issuer.agent(clientId, key)
  })

  test('carries a token and a proof for exactly this call', async () => {
    const url = 'https://api.example/ledger/entries?page=2'
    await caller().fetch(url, { resource, method: 'post', body: 'x', headers: { 'x-mine': '1' } })
    const [call] = seen
    const token = call?.headers.get('authorization')?.replace('DPoP ', '') ?? ''
    const now = Math.floor(clock.nowMs() / 1000)
    const proof = await verifyDpopProof(call?.headers.get('dpop') ?? '', {
      method: 'POST',
      url,
      now,
      accessToken: token,
    })
    expect(proof.jkt).toBeTruthy()
    expect(call).toMatchObject({ method: 'POST', body: 'x' })
    expect(call?.headers.get('x-mine')).toBe('1')
  })

  test('goes to no other origin than the resource’s', async () => {
    for (const url of [
      'https://evil.example/',
      'http://api.example/ledger',
      'https://api.example:8443/',
      'https://api.example.evil.example/',
    ]) {
      await expect(caller().fetch(url, { resource })).rejects.toMatchObject({ code: 'origin_refused' })
    }
    expect(seen).toEqual([])
  })

  test('follows a redirect within the origin, signed anew, and none beyond it', async () => {
    answers = [to('/ledger/moved'), to('https://evil.example/steal')]
    await expect(caller().fetch('https://api.example/ledger', { resource })).rejects.toMatchObject({
      code: 'redirect_refused',
    })
    expect(seen.map(({ url }) => url)).toEqual(['https://api.example/ledger', 'https://api.example/ledger/moved'])
    expect(seen[0]?.headers.get('dpop')).not.toBe(seen[1]?.headers.get('dpop'))
  })

  test('turns a POST into a GET where the standard does, and ends an endless redirect', async () => {
    answers = [to('/ledger/seen', 303)]
    await caller().fetch('https://api.example/ledger', {
      resource,
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    })
    expect(seen[1]).toMatchObject({ method: 'GET', body: undefined })
    expect(seen[1]?.headers.has('content-type')).toBe(false)
    answers = Array.from({ length: 10 }, () => to('/ledger'))
    await expect(caller().fetch('https://api.example/ledger', { resource })).rejects.toMatchObject({
      code: 'redirect_refused',
    })
  })

  test('gives the nonce a resource asks for, once', async () => {
    const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'fresh' }
    answers = [() => new Response(null, { status: 401, headers: challenge })]
    const mine = caller()
    expect((await mine.fetch('https://api.example/ledger', { resource })).status).toBe(200)
    expect(seen).toHaveLength(2)
    answers = [
      () => new Response(null, { status: 401, headers: challenge }),
      () => new Response(null, { status: 401, headers: challenge }),
    ]
    expect((await mine.fetch('https://api.example/ledger', { resource })).status).toBe(401)
    expect(seen).toHaveLength(4)
  })

  test('a token that was refused is not used again', async () => {
    const mine = caller()
    answers = [() => new Response(null, { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } })]
    await mine.fetch('https://api.example/ledger', { resource })
    await mine.fetch('https://api.example/ledger', { resource })
    expect(seen[0]?.headers.get('authorization')).not.toBe(seen[1]?.headers.get('authorization'))
  })
})

describe('delegation', () => {
  const handover = { to: clientId, resources: [resource], scope: 'ledger:*', maxDepth: 1 }

  const fromPerson = async (more: Partial<Parameters<typeof delegateAs>[1]> = {}) =>
    delegateAs(
      { person: 'psn_AAAAAAAAAAAAAAAAAAAAAA', key: await AgentKey.generate(), issuer: issuer.issuer, clock },
      { ...handover, ...more },
    )

  test('a chain that names this agent is accepted; one that names another, has expired, or is for another authority is not', async () => {
    expect(await agent.accept(await fromPerson())).toMatchObject({
      principal: 'psn_AAAAAAAAAAAAAAAAAAAAAA',
      scope: 'ledger:*',
      maxDepth: 1,
    })
    await expect(agent.accept(await fromPerson({ to: `${clientId}2` }))).rejects.toMatchObject({
      code: 'holder_binding_failed',
    })
    const elsewhere = await FakeIssuer.open(clock, { issuer: 'https://other.example/o/x' })
    await expect((await elsewhere.agent(clientId, key)).accept(await fromPerson())).rejects.toMatchObject({
      code: 'issuer_untrusted',
    })
    await expect(agent.accept('a.b.c~')).rejects.toMatchObject({ code: 'malformed' })
    const short = await fromPerson({ expiresIn: 60 })
    clock.jump(61_000)
    await expect(agent.accept(short)).rejects.toMatchObject({ code: 'expired' })
  })

  test('what is handed on is linked to what was received, keeps its principal, and is never wider', async () => {
    const parent = await agent.accept(await fromPerson({ task: 'invoice-7', expiresIn: 3600 }))
    const to = 'spiffe://acme.example/agent/clerk'
    const chain = splitChain(await agent.delegate({ parent, to, resources: [resource], scope: 'ledger:read' }))
    const [root, leaf] = await Promise.all(chain.map(readStatement))
    expect(leaf?.statement).toMatchObject({
      iss: clientId,
      sub: root?.statement.sub,
      par_hash: root?.hash,
      task: 'invoice-7',
      exp: root?.statement.exp,
      max_depth: 0,
    })
    const wider = [
      { scope: '*' },
      { scope: 'admin' },
      { resources: [resource, 'https://api.example/other'] },
      { expiresIn: 7200 },
      { maxDepth: 1 },
      { task: 'another' },
      { onward: ['https://api.example/other'] },
    ]
    for (const more of wider) {
      const asked = agent.delegate({ parent, to, resources: [resource], scope: 'ledger:read', ...more })
      await expect(asked, JSON.stringify(more)).rejects.toMatchObject({
        code: expect.stringMatching(/^(not_narrower|malformed)$/),
      })
    }
  })

  test('nobody hands on what was given to somebody else', async () => {
    const parent = await fromPerson({ to: 'spiffe://acme.example/agent/other' })
    await expect(
      agent.delegate({ parent, to: clientId, resources: [resource], scope: 'ledger:read' }),
    ).rejects.toMatchObject({ code: 'holder_binding_failed' })
    await expect(agent.accept(joinChain([]))).rejects.toMatchObject({ code: 'malformed' })
  })

  test('an agent without a key cannot sign', async () => {
    const keyless = createAgent({ issuer: issuer.issuer, clientId, apiKey: 'x', ...issuer.runtime })
    await expect(keyless.delegate(handover)).rejects.toMatchObject({ code: 'key_unusable' })
  })
})
