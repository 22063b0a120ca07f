import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AgentKey, createAgent, delegateAs } from '@credence/sdk'
import { permittedOf, protect as protectExpress } from '@credence/sdk/express'
import { protect as protectHono } from '@credence/sdk/hono'
import { protect as protectNode } from '@credence/sdk/node'
import { createVerifier, type Verdict, type Verifier } from '@credence/sdk/verify'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority } from '../authority.ts'
import { World } from './world.ts'

let authority: TestAuthority
let world: World

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'other'] })
  world = new World(authority.organizations.acme ?? (await authority.createOrganization('acme')))
})
afterAll(async () => {
  await world.stop()
  await authority.stop()
})

/** A fetch that ends at a verifier: what an agent sends, a service gets. */
const into =
  (verifier: Verifier, seen: (verdict: Verdict) => void, expected: Parameters<Verifier['verify']>[1] = {}) =>
  async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    if (String(input).startsWith(world.issuer) || String(input).includes('/.well-known/')) return fetch(input, init)
    const request = new Request(input, init)
    const verdict = await verifier.verify(request, expected)
    seen(verdict)
    return verdict.ok ? new Response('done') : verdict.response()
  }

async function verdictOn(
  member: { clientId: string; key: AgentKey },
  verifier: Verifier,
  wanted: Parameters<ReturnType<typeof createAgent>['fetch']>[1],
  expected: Parameters<Verifier['verify']>[1] = {},
): Promise<Verdict> {
  let last: Verdict | undefined
  const fetchHere = into(
    verifier,
    (verdict) => {
      last = verdict
    },
    expected,
  )
  const { clientId, key } = member
  await createAgent({ issuer: world.issuer, clientId, key, fetch: fetchHere }).fetch(`${wanted.resource}/x`, wanted)
  if (last === undefined) throw new Error('no call arrived')
  return last
}

describe('three servers, one verdict', () => {
  const servers: Record<string, (verifier: Verifier) => RequestListener> = {
    'node:http': (verifier) =>
      protectNode(verifier, { scope: 'ledger:read' }, (_, response, call) => {
        response.end(call.agent)
      }),
    express: (verifier) => {
      const app = express()
      app.get('/ledger', protectExpress(verifier, { scope: 'ledger:read' }), (request, response) => {
        response.send(permittedOf(request).agent)
      })
      return app
    },
    hono: (verifier) => {
      const app = new Hono()
      app.get('/ledger', protectHono(verifier, { scope: 'ledger:read' }), (c) => c.text(c.var.credence.agent))
      return createAdaptorServer({ fetch: app.fetch }).listeners('request')[0] as RequestListener
    },
  }

  test.each(Object.keys(servers))('%s', async (name) => {
    let handle: RequestListener = () => {}
    const server = createServer((request, response) => handle(request, response))
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const audience = `http://localhost:${(server.address() as AddressInfo).port}/ledger`
    const { verifier } = await world.service(audience, ['ledger:read', 'ledger:write'])
    handle = servers[name]?.(verifier) ?? handle
    const itself = [{ resource: audience, scope: 'ledger:*' }]
    const { agent, clientId } = await world.agent(['ledger:*'], { itself })

    const good = await agent.fetch(audience, { resource: audience, scope: 'ledger:read' })
    expect([good.status, await good.text()]).toEqual([200, clientId])
    const narrow = await agent.fetch(audience, { resource: audience, scope: 'ledger:write' })
    expect([narrow.status, ((await narrow.json()) as { code: string }).code]).toEqual([403, 'insufficient_scope'])
    expect((await fetch(audience)).status).toBe(401)
    const { value } = await agent.token({ resource: audience, scope: 'ledger:read' })
    const bearer = await fetch(audience, { headers: { authorization: `Bearer ${value}` } })
    expect([bearer.status, ((await bearer.json()) as { code: string }).code]).toEqual([401, 'proof_missing'])
    server.close()
    server.closeAllConnections()
  })
})

describe('a chain of two hops', () => {
  const audience = 'http://localhost:7001/ledger'

  test('is proven back to the person, with its bounds on arguments, and dies with any of its parts', async () => {
    const { verifier } = await world.service(audience, ['ledger:read', 'ledger:write'])
    const ada = await world.person({ resource: audience, scope: 'ledger:*' })
    const planner = await world.agent(['ledger:*'])
    const clerk = await world.agent(['ledger:*'])
    const root = await delegateAs(
      { person: ada.id, key: ada.key, issuer: world.issuer },
      {
        to: planner.clientId,
        resources: [audience],
        scope: 'ledger:*',
        maxDepth: 1,
        constraints: [{ key: 'amount', max: 100 }],
      },
    )
    const chain = await planner.agent.delegate({
      parent: root,
      to: clerk.clientId,
      resources: [audience],
      scope: 'ledger:read',
    })
    const wanted = { resource: audience, scope: 'ledger:read', delegation: await clerk.agent.accept(chain) }
    const prove = { chain: 'prove', arguments: { amount: 7 } } as const

    const verdict = await verdictOn(clerk, verifier, wanted, prove)
    expect(verdict).toMatchObject({
      ok: true,
      agent: clerk.clientId,
      principal: ada.id,
      actors: [clerk.clientId, planner.clientId],
      scopes: ['ledger:read'],
      chain: { principal: ada.id, hops: [{ statement: { iss: ada.id } }, { statement: { iss: planner.clientId } }] },
    })
    const tooMuch = await verdictOn(clerk, verifier, wanted, { arguments: { amount: 101 } })
    expect(tooMuch).toMatchObject({ ok: false, refusal: { code: 'ceiling_exceeded' } })

    await world.api('post', '/v1/revocations', { id: planner.id, cause: 'test', wait_ms: 100 })
    await expect.poll(async () => verdictOf(await attempt(clerk, verifier, wanted))).toBe('revoked')
  })

  test('attested by an administrator, it is proven with the issuer’s keys', async () => {
    const resource = 'http://localhost:7002/ledger'
    const { verifier } = await world.service(resource, ['ledger:read'])
    const ada = await world.person({ resource, scope: 'ledger:read' })
    const clerk = await world.agent(['ledger:*'])
    const { chain } = await world.api('post', '/v1/delegations', {
      delegator: ada.id,
      delegate: clerk.clientId,
      aud: [resource],
      scope: 'ledger:read',
    })
    const wanted = { resource, scope: 'ledger:read', delegation: (chain as string[]).join('~') }
    const verdict = await verdictOn(clerk, verifier, wanted, { chain: 'prove' })
    expect(verdict).toMatchObject({
      ok: true,
      principal: ada.id,
      chain: { hops: [{ statement: { evidence: { kind: 'attested' } } }] },
    })
  })

  const attempt = async (...asked: Parameters<typeof verdictOn>): Promise<Verdict | unknown> => {
    try {
      return await verdictOn(...asked)
    } catch (error) {
      return error
    }
  }
  const verdictOf = (seen: unknown): unknown => {
    if (typeof seen === 'object' && seen !== null && 'refusal' in seen) return (seen.refusal as { code: string }).code
    return typeof seen === 'object' && seen !== null && 'code' in seen ? seen.code : 'permitted'
  }
})

test('a resource calls onward on behalf of who called it, and the next one sees the whole way', async () => {
  const [front, back] = ['http://localhost:7003/front', 'http://localhost:7004/back']
  const scopes = ['ledger:read']
  const service = await world.service(front, scopes)
  const { verifier } = await world.service(back, scopes)
  const ada = await world.person({ resource: front, scope: 'ledger:read' }, { resource: back, scope: 'ledger:read' })
  const clerk = await world.agent(['ledger:*'])
  const delegation = await delegateAs(
    { person: ada.id, key: ada.key, issuer: world.issuer },
    { to: clerk.clientId, resources: [front], onward: [back], scope: 'ledger:read', maxDepth: 1 },
  )
  const call = await verdictOn(clerk, service.verifier, { resource: front, scope: 'ledger:read', delegation })
  if (!call.ok) throw call.refusal

  let seen: Verdict | undefined
  const { clientId, key } = service.operator
  const fetchHere = into(
    verifier,
    (verdict) => {
      seen = verdict
    },
    { chain: 'prove' },
  )
  const operator = createAgent({ issuer: world.issuer, clientId, key, fetch: fetchHere })
  await operator.fetch(`${back}/x`, { resource: back, scope: 'ledger:read', onBehalfOf: call })
  expect(seen).toMatchObject({
    ok: true,
    agent: clientId,
    principal: ada.id,
    actors: [clientId, clerk.clientId],
    chain: {
      hops: [
        { statement: { evidence: { kind: 'signed' } } },
        { statement: { evidence: { kind: 'attested', how: 'on_behalf_of' } } },
      ],
    },
  })
  // Not back to where it came from, and not for who is not the operator.
  await expect(operator.onBehalfOf(call, { resource: front })).rejects.toMatchObject({ code: 'onward_not_granted' })
  await expect(clerk.agent.onBehalfOf(call, { resource: back })).rejects.toMatchObject({ code: expect.any(String) })
})

test('an agent with only a secret or an API key still binds its tokens to a key', async () => {
  const resource = 'http://localhost:7005/ledger'
  const { verifier } = await world.service(resource, ['ledger:read'])
  const kinds = ['public_key', 'client_secret', 'api_key']
  const { id, clientId } = await world.agent(['ledger:*'], { itself: [{ resource, scope: 'ledger:read' }], kinds })
  for (const kind of ['client_secret', 'api_key'] as const) {
    const { secret } = await world.api('post', `/v1/agents/${id}/credentials`, {
      kind,
      ...(kind === 'api_key' && { scope: ['ledger:read'] }),
    })
    const credential = kind === 'client_secret' ? { clientSecret: secret as string } : { apiKey: secret as string }
    let verdict: Verdict | undefined
    const fetchHere = into(verifier, (seen) => {
      verdict = seen
    })
    const agent = createAgent({ issuer: world.issuer, clientId, ...credential, fetch: fetchHere })
    await agent.fetch(`${resource}/x`, { resource, scope: 'ledger:read' })
    expect(verdict).toMatchObject({ ok: true, agent: clientId, token: { cnf: { jkt: expect.any(String) } } })
  }
})

test('how calls are judged is registered at the authority, and a service itself only asks for more', async () => {
  const resource = 'http://localhost:7010/mcp'
  const registered = { kind: 'mcp', tools: [{ name: 'post', scope: 'ledger:write' }] }
  const { verifier, operator } = await world.service(resource, ['ledger:read', 'ledger:write'], {
    resource: registered,
  })
  const member = await world.agent(['ledger:*'], { itself: [{ resource, scope: 'ledger:read' }] })
  const { value } = await member.agent.token({ resource, scope: 'ledger:read' })
  const call = { method: 'GET', url: '/', headers: new Headers({ authorization: `Bearer ${value}` }) }
  // Bound, so that it needs its proof even where others do not.
  expect(await verifier.verify(call)).toMatchObject({ refusal: { code: 'proof_missing' } })
  const anonymous = await verifier.verify({ ...call, headers: new Headers() })
  if (anonymous.ok) throw new Error('it was permitted')
  expect(anonymous.response().headers.get('www-authenticate')).toMatch(/^Bearer, DPoP /)

  const strict = createVerifier({
    resource,
    issuers: [{ issuer: world.issuer, operator: operator.agent }],
    proof: 'required',
  })
  await strict.ready()
  const refused = await strict.verify({ ...call, headers: new Headers() })
  if (refused.ok) throw new Error('it was permitted')
  expect(refused.response().headers.get('www-authenticate')).toMatch(/^DPoP /)
  await strict.stop()

  const wanted = { resource, scope: 'ledger:read' }
  expect(await verdictOn(member, verifier, wanted, { tool: 'post' })).toMatchObject({
    refusal: { code: 'tool_not_granted' },
  })
  expect(await verdictOn(member, verifier, wanted, { tool: 'drop' })).toMatchObject({
    refusal: { code: 'tool_unknown' },
  })
})

test('another organization’s token is refused, though the authority is the same', async () => {
  const resource = 'http://localhost:7006/ledger'
  const { verifier } = await world.service(resource, ['ledger:read'])
  const other = new World(authority.organizations.other ?? (await authority.createOrganization('other')))
  await other.service(resource, ['ledger:read'])
  const { agent } = await other.agent(['ledger:*'], { itself: [{ resource, scope: 'ledger:read' }] })
  const { value } = await agent.token({ resource, scope: 'ledger:read' })
  const headers = new Headers({ authorization: `DPoP ${value}` })
  expect(await verifier.verify({ method: 'GET', url: '/', headers })).toMatchObject({
    refusal: { code: 'issuer_untrusted' },
  })
  await other.stop()
})

test('an authority that restarts is found again, and what had ended stays ended', async () => {
  const resource = 'http://localhost:7007/ledger'
  const { verifier } = await world.service(resource, ['ledger:read'])
  const clerk = await world.agent(['ledger:*'], { itself: [{ resource, scope: 'ledger:read' }] })
  const wanted = { resource, scope: 'ledger:read' }
  expect(await verdictOn(clerk, verifier, wanted)).toMatchObject({ ok: true })
  const { fact } = await world.api('post', '/v1/revocations', { id: clerk.id, cause: 'test' })
  const before = fact.seq as number
  await expect.poll(() => verifier.state().issuers[world.issuer]?.seq).toBe(before)
  await authority.restart()
  await expect
    .poll(() => verifier.state().issuers[world.issuer])
    .toMatchObject({ connected: true, fresh: true, seq: before })
  const token = await clerk.agent.token(wanted).catch((error: { code: string }) => error.code)
  expect(token).toBe('agent_not_active')
})
