// P4 at the token endpoint: what is issued and what is refused is in the log, and no secret is.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, claimsIn, type Person } from '../cast.ts'

const api = 'https://api.example/'
let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let ada: Person
let agent: Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada', [{ resource: api, scope: 'a' }])
  agent = await cast.agent('agent', ada, { capabilities: ['a'], permissions: [{ resource: api, scope: 'a' }] })
  await cast.resource(api, ['a', 'b'])
})
afterAll(() => authority.stop())

const records = async (type?: string): Promise<Array<{ type: string }>> => {
  const { body } = await acme.api('get', `/v1/audit/records?limit=500${type === undefined ? '' : `&type=${type}`}`)
  return body.records.map(({ leaf }: { leaf: { type: string } }) => leaf)
}

/** A record gets its place in the log a moment after the answer. */
const expectRecord = (type: string, leaf: object) =>
  expect.poll(() => records(type)).toContainEqual(expect.objectContaining(leaf))

test('an issue, an exchange and a refusal are each recorded, with who, for whom, where and why', async () => {
  const issued = await cast.ask(agent, { grant_type: 'client_credentials', resource: api, task: 't1' })
  await expectRecord('token.issued', {
    by: agent.id,
    principal: agent.clientId,
    resource: api,
    scope: 'a',
    decision: 'permit',
    policy: 'baseline',
    task: 't1',
    token: claimsIn(issued.body.access_token).jti,
  })
  const chain = await cast.delegate({ iss: ada.id, key: ada.key }, { delegate: agent.clientId, aud: [api], scope: 'a' })
  const exchanged = await cast.exchange(agent, chain, api)
  const claims = claimsIn(exchanged.body.access_token)
  expect(await records('token.exchanged')).toContainEqual(
    expect.objectContaining({
      principal: ada.id,
      chain: [claims.delegation_chain[0].hash],
      token: claims.jti,
      count: 1,
    }),
  )
  await cast.ask(agent, { grant_type: 'client_credentials', resource: api, scope: 'b' })
  await expectRecord('token.refused', {
    by: agent.id,
    reasons: ['scope_exceeds_grant'],
    decision: 'deny',
    resource: api,
  })
  const all = JSON.stringify(await records())
  for (const secret of [issued.body.access_token, exchanged.body.access_token, ...chain, 'eyJ', 'credence_']) {
    expect(all).not.toContain(secret)
  }
  expect(authority.log.join('\n')).not.toMatch(/eyJ|credence_(cs|ak|adm)_/)
})

test('a statement handed in over the API is registered once, by somebody it is about', async () => {
  const before = (await records('delegation.registered')).length
  const chain = await cast.delegate({ iss: ada.id, key: ada.key }, { delegate: agent.clientId, aud: [api], scope: 'a' })
  const registered = await acme.api('post', '/v1/delegations', { statements: chain })
  expect([registered.status, registered.body.chain]).toEqual([201, chain])
  expect((await acme.api('post', '/v1/delegations', { statements: chain })).status).toBe(201)
  await expectRecord('delegation.registered', { subject: registered.body.id, count: 1 })
  expect(await records('delegation.registered')).toHaveLength(before + 1)
  expect((await acme.api('get', `/v1/delegations/${registered.body.id}`)).body).toMatchObject({ alive: true, depth: 0 })
})
