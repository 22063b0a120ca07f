import { generateSigningKey } from '@credence/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, claimsIn, type Person, seconds } from '../cast.ts'

const api = 'https://api.example/'
let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let ada: Person
let reader: Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada')
  reader = await cast.agent('reader', ada, {
    capabilities: ['repo:*'],
    permissions: [{ resource: api, scope: 'repo:read repo:write issues:read' }],
  })
  await cast.resource(api, ['repo:read', 'repo:write', 'issues:read'])
})
afterAll(() => authority.stop())

const itself = { grant_type: 'client_credentials', resource: api }

test('an agent gets a token for itself, bound to its key', async () => {
  const { status, body, headers } = await cast.ask(reader, { ...itself, scope: 'repo:read' })
  expect(body).toMatchObject({ token_type: 'DPoP', expires_in: 300, scope: 'repo:read' })
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-store')
  const claims = claimsIn(body.access_token)
  expect(claims).toMatchObject({
    iss: acme.issuer,
    aud: api,
    sub: reader.clientId,
    client_id: reader.clientId,
    agent: reader.id,
    org: acme.id,
    scope: 'repo:read',
    cnf: { jkt: reader.key.kid },
  })
  expect(claims).not.toHaveProperty('act')
  expect(claims.lineage).toEqual([
    [acme.id, 0],
    [reader.id, 0],
    [reader.credential, 0],
  ])
  expect(claims.exp - claims.iat).toBe(300)
})

test('without a scope it gets all it may have, and never more than its capabilities', async () => {
  const { body } = await cast.ask(reader, itself)
  expect(body.scope).toBe('repo:read repo:write')
  const beyond = await cast.ask(reader, { ...itself, scope: 'issues:read' })
  expect([beyond.status, beyond.body.error, beyond.body.error_code]).toEqual([
    400,
    'invalid_scope',
    'scope_exceeds_grant',
  ])
})

test('a task and a session are carried, and a task is part of the lineage', async () => {
  const { body } = await cast.ask(reader, { ...itself, task: 'ticket-7', session: 's1' })
  const claims = claimsIn(body.access_token)
  expect(claims).toMatchObject({ task: 'ticket-7', sid: 's1' })
  expect(claims.lineage).toContainEqual(['task:ticket-7', 0])
})

test('a resource that requires a proof gives no token without one', async () => {
  const { status, body } = await cast.ask(reader, itself, { bearer: true })
  expect([status, body.error, body.error_code]).toEqual([400, 'invalid_dpop_proof', 'proof_missing'])
})

test('a resource where proof is optional gives a bearer token of five minutes at most', async () => {
  const mcp = 'https://mcp.example/'
  await cast.resource(mcp, ['tool:use'], { kind: 'mcp' })
  const user = await cast.agent('mcp-user', ada, {
    capabilities: ['tool:use'],
    permissions: [{ resource: mcp, scope: 'tool:use' }],
  })
  const { body } = await cast.ask(user, { ...itself, resource: mcp }, { bearer: true })
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 300 })
  expect(claimsIn(body.access_token)).not.toHaveProperty('cnf')
  const bound = await cast.ask(user, { ...itself, resource: mcp })
  expect(bound.body.token_type).toBe('DPoP')
})

test('one instance is named in its token, and its token dies with it', async () => {
  const copy = await cast.instanceOf(reader)
  const { body } = await cast.ask(copy, itself)
  const claims = claimsIn(body.access_token)
  expect(claims).toMatchObject({ client_id: reader.clientId, instance: copy.instance?.spiffeId })
  expect(claims.lineage).toContainEqual([copy.instance?.id, 0])
})

test('a token never outlives the credential it was obtained with', async () => {
  const key = await generateSigningKey('ES256')
  const expires_at = seconds() + 30
  const words = { kind: 'public_key', jwk: key.publicJwk, expires_at }
  const { body } = await acme.api('post', `/v1/agents/${reader.id}/credentials`, words)
  const brief = await cast.ask({ ...reader, key, credential: body.id }, itself)
  expect(brief.body.expires_in).toBeLessThanOrEqual(30)
  expect(claimsIn(brief.body.access_token).exp).toBe(expires_at)
  const copy = await cast.instanceOf(reader, { lifetime_seconds: 60 })
  expect((await cast.ask(copy, itself)).body.expires_in).toBeLessThanOrEqual(60)
})

test('at the authority itself, delegations are for every agent and the feed for who operates a resource', async () => {
  const own = `${acme.issuer}/v1`
  const before = await cast.ask(reader, { ...itself, resource: own })
  expect(before.body.scope).toBe('delegations:write')
  const feed = await cast.ask(reader, { ...itself, resource: own, scope: 'feed:read' })
  expect(feed.body.error).toBe('invalid_scope')
  const operator = await cast.agent('operator', ada)
  await cast.resource('https://operated.example/', ['a'], { operator: operator.id })
  const after = await cast.ask(operator, { ...itself, resource: own })
  expect(after.body.scope).toBe('delegations:write feed:read')
})

test('resource is required, and audience may only repeat it', async () => {
  const code = async (parameters: Record<string, string>) => {
    const { body } = await cast.ask(reader, { grant_type: 'client_credentials', ...parameters })
    return [body.error, body.error_code]
  }
  expect(await code({})).toEqual(['invalid_target', 'resource_missing'])
  expect(await code({ resource: 'https://nowhere.example/' })).toEqual(['invalid_target', 'resource_unknown'])
  expect(await code({ resource: api, audience: 'https://other.example/' })).toEqual([
    'invalid_target',
    'resource_unknown',
  ])
  expect(await code({ resource: api, scope: 'repo:Read' })).toEqual(['invalid_scope', 'scope_unknown'])
  expect(await code({ resource: api, grant_type: 'password' })).toEqual(['unsupported_grant_type', 'grant_unsupported'])
})
