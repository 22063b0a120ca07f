// P6, F29: whatever is done in two steps, the process may die between them. The second step finds what the first one left.

import { createDpopProof, newStatement, readStatement, signClientAssertion, signStatement } from '@credence/protocol'
import { AgentKey, createAgent } from '@credence/sdk'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Answer, TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, claimsIn, type Person, post, seconds } from '../cast.ts'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { callFeed } from '../revocation/enforcement_point.ts'
import { type Deployment, deploy } from './deployment.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const api = 'https://api.example/'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The first step; it answers what is done after the crash, and expects. */
type Flow = (on: {
  acme: TestOrganization
  cast: Cast
  ada: Person
  agent: Agent
  operator: Agent
}) => Promise<() => Promise<void>>

const code = ({ status, body }: Answer) => [status, body.error_code ?? body.code]

const flows: Record<string, Flow> = {
  'an assertion that gave a token gives no second one': async ({ acme, cast, agent }) => {
    const assertion = await assertionOf(acme, agent)
    const ask = () => cast.ask(agent, { grant_type: 'client_credentials', resource: api }, { assertion })
    expect((await ask()).status).toBe(200)
    return async () => expect(code(await ask())).toEqual([401, 'assertion_replayed'])
  },
  'a proof that gave a token gives no second one': async ({ acme, cast, agent }) => {
    const url = `${acme.issuer}/token`
    const proof = await createDpopProof(agent.key, { method: 'POST', url, now: seconds() })
    const ask = () => cast.ask(agent, { grant_type: 'client_credentials', resource: api }, { proof })
    expect((await ask()).status).toBe(200)
    return async () => expect(code(await ask())).toEqual([400, 'proof_replayed'])
  },
  'an assertion used up by a refusal stays used up': async ({ acme, cast, agent }) => {
    const assertion = await assertionOf(acme, agent)
    const ask = (resource: string) => cast.ask(agent, { grant_type: 'client_credentials', resource }, { assertion })
    expect(code(await ask('https://unknown.example/'))).toEqual([400, 'resource_unknown'])
    return async () => expect(code(await ask(api))).toEqual([401, 'assertion_replayed'])
  },
  'an assertion that introspected neither introspects again nor gives a token': async ({
    acme,
    cast,
    agent,
    operator,
  }) => {
    const token = await cast.token(agent, api)
    const client_assertion = await assertionOf(acme, operator)
    const form = new URLSearchParams({ token, client_assertion, client_assertion_type: assertionType })
    const introspect = () => post(`${acme.issuer}/introspect`, form)
    expect((await introspect()).body).toMatchObject({ active: true })
    return async () => {
      expect(code(await introspect())).toEqual([401, 'assertion_replayed'])
      const asked = cast.ask(
        operator,
        { grant_type: 'client_credentials', resource: api },
        { assertion: client_assertion },
      )
      expect(code(await asked)).toEqual([401, 'assertion_replayed'])
    }
  },
  'an assertion that ended a token ends no other': async ({ acme, cast, agent, operator }) => {
    const [first, second] = [await cast.token(agent, api), await cast.token(agent, api)]
    const client_assertion = await assertionOf(acme, agent)
    const common = { client_assertion, client_assertion_type: assertionType }
    const end = (token: string) => post(`${acme.issuer}/revoke`, new URLSearchParams({ ...common, token }))
    expect((await end(first)).status).toBe(200)
    return async () => {
      expect(code(await end(second))).toEqual([401, 'assertion_replayed'])
      expect(await isActive(acme, operator, first)).toBe(false)
      expect(await isActive(acme, operator, second)).toBe(true)
    }
  },
  'a proof that opened a call to the authority opens no other': async ({ acme, cast, operator }) => {
    const token = await cast.token(operator, `${acme.issuer}/v1`, { scope: 'feed:read' })
    const url = `${acme.issuer}/revocations?nonce=abcdefgh`
    const proof = await createDpopProof(operator.key, { method: 'GET', url, now: seconds(), accessToken: token })
    const read = () => fetch(url, { headers: { authorization: `DPoP ${token}`, dpop: proof } })
    expect((await read()).status).toBe(200)
    return async () => {
      const again = await read()
      expect([again.status, (await again.json()) as object]).toEqual([
        401,
        expect.objectContaining({ code: 'proof_replayed' }),
      ])
    }
  },
  'a statement not shown before its key ended is not taken after': async ({ acme, cast, agent }) => {
    const bob = await cast.person('Bob', [{ resource: api, scope: 'repo:read' }])
    const words = {
      iss: bob.id,
      sub: bob.id,
      authority: acme.issuer,
      delegate: agent.clientId,
      aud: [api],
      scope: 'repo:read',
    }
    const chain = [await signStatement(bob.key, newStatement(words, seconds()))]
    const { body } = await acme.api('get', `/v1/people/${bob.id}`)
    expect((await acme.api('delete', `/v1/people/${bob.id}/keys/${body.keys[0].id}`)).status).toBeLessThan(300)
    return async () => expect(code(await cast.exchange(agent, chain, api))).toEqual([400, 'delegator_unknown'])
  },
  'a delegation that was ended before anybody saw it is not taken after': async ({ acme, cast, ada, agent }) => {
    const words = { delegate: agent.clientId, aud: [api], scope: 'repo:read' }
    const chain = await cast.delegate({ iss: ada.id, key: ada.key }, words)
    const { id } = await readStatement(chain[0] as string)
    expect((await acme.api('post', '/v1/revocations', { id, cause: 'stolen' })).status).toBe(200)
    return async () => expect(code(await cast.exchange(agent, chain, api))).toEqual([400, 'revoked'])
  },
  'a task that ended gives no token after': async ({ acme, cast, agent }) => {
    const task = 'ticket-1'
    const token = await cast.token(agent, api, { task })
    expect(claimsIn(token).task).toBe(task)
    expect((await acme.api('post', '/v1/revocations', { id: `task:${task}`, cause: 'done' })).status).toBe(200)
    return async () => {
      const again = cast.ask(agent, { grant_type: 'client_credentials', resource: api, task })
      expect((await again).body.error_code).toBe('revoked')
    }
  },
  'a lease that was granted is counted by the revocation after': async ({ acme, cast, ada }) => {
    const key = await AgentKey.generate()
    const { id, clientId } = await cast.agent('listener', ada)
    await acme.api('post', `/v1/agents/${id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
    const { audience } = await cast.resource('https://leased.example/', ['x:y'], {
      operator: id,
      max_staleness_ms: 600_000,
    })
    const agent = createAgent({ issuer: acme.issuer, clientId, key })
    const page = await callFeed(agent, `/revocations?resource=${encodeURIComponent(audience)}&nonce=abcdefgh`)
    expect(page.status).toBe(200)
    const grantedMs = Date.now()
    return async () => {
      const { body } = await acme.api('post', '/v1/revocations', { id: `task:after`, cause: 'test' })
      expect(body.acknowledged).toMatchObject({ points: 0, of: 1, all: false })
      expect(body.leases_over_by_ms).toBeGreaterThan(grantedMs + 500_000)
    }
  },
  'a cursor given before goes on after': async ({ acme }) => {
    const first = await acme.api('get', '/v1/agents?limit=1')
    return async () => {
      const next = await acme.api('get', `/v1/agents?limit=1&cursor=${encodeURIComponent(first.body.next_cursor)}`)
      expect(next.status).toBe(200)
      expect(next.body.items[0].id).not.toBe(first.body.items[0].id)
    }
  },
  'an administrator who was ended stays out': async ({ acme }) => {
    const { body } = await acme.api('post', '/v1/administrators', { name: 'Second' })
    const enter = () => fetch(`${acme.issuer}/v1/agents`, { headers: { authorization: `Bearer ${body.secret}` } })
    expect((await enter()).status).toBe(200)
    expect((await acme.api('delete', `/v1/administrators/${body.id}`)).status).toBeLessThan(300)
    return async () => expect((await enter()).status).toBe(401)
  },
  'a token signed before is alive after, and its key still published': async ({ acme, cast, agent, operator }) => {
    const token = await cast.token(agent, api)
    return async () => expect(await isActive(acme, operator, token)).toBe(true)
  },
}

const stores = {
  SQLite: async () => 'sqlite',
  PostgreSQL: freshDatabase,
}

describe.each(Object.entries(stores))('between two steps, on %s', (name, store) => {
  const missing = name === 'PostgreSQL' ? postgresMissing() : undefined
  let deployment: Deployment
  const then = new Map<string, () => Promise<void>>()
  const failed = new Map<string, unknown>()

  beforeAll(async () => {
    if (missing) return
    deployment = await deploy(await store())
    const acme = await deployment.createOrganization('acme')
    const cast = castOf(acme)
    const ada = await cast.person('Ada', [{ resource: api, scope: 'repo:read' }])
    const may = { capabilities: ['repo:*'], permissions: [{ resource: api, scope: 'repo:read' }] }
    const [agent, operator] = [await cast.agent('worker', ada, may), await cast.agent('operator', ada)]
    await cast.resource(api, ['repo:read'], { operator: operator.id })
    for (const [what, flow] of Object.entries(flows)) {
      await flow({ acme, cast, ada, agent, operator }).then(
        (second) => then.set(what, second),
        (error: unknown) => failed.set(what, error),
      )
    }
    await deployment.processes[0]?.kill()
    await deployment.processes[0]?.start()
  })
  afterAll(() => deployment?.remove())

  test.for(Object.keys(flows))('%s', async (what, context) => {
    if (missing) context.skip(missing)
    const second = then.get(what)
    if (!second) throw failed.get(what)
    await second()
  })
})

/** One that works for as long as one may, so that it is refused for having been used. */
function assertionOf(acme: TestOrganization, { key, clientId }: Agent): Promise<string> {
  return signClientAssertion(key, { clientId, issuer: acme.issuer, now: seconds(), lifetime: 300 })
}

async function isActive(acme: TestOrganization, operator: Agent, token: string): Promise<boolean> {
  const client_assertion = await assertionOf(acme, operator)
  const form = new URLSearchParams({ token, client_assertion, client_assertion_type: assertionType })
  return (await post(`${acme.issuer}/introspect`, form)).body.active
}
