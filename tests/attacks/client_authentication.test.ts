// A31 to A34, A60 of the attack list: who calls the authority.

import { generateSigningKey, signClientAssertion, signJws } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, claimsIn, type Person, post, seconds } from '../cast.ts'

const api = 'https://api.example/'
let authority: TestAuthority
let acme: TestOrganization
let other: TestOrganization
let cast: Cast
let ada: Person
let agent: Agent
let secret: string

const itself = { grant_type: 'client_credentials', resource: api }
const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const code = ({ status, body }: Answer) => [status, body.error, body.error_code]

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'other'], settings: { failuresPerMinute: 0 } })
  acme = authority.organizations.acme as TestOrganization
  other = authority.organizations.other as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada')
  agent = await cast.agent('agent', ada, {
    capabilities: ['a'],
    permissions: [{ resource: api, scope: 'a' }],
    credential_policy: { kinds: ['public_key', 'client_secret'] },
  })
  await cast.resource(api, ['a'], { proof_mode: 'optional' })
  secret = (await acme.api('post', `/v1/agents/${agent.id}/credentials`, { kind: 'client_secret' })).body.secret
})
afterAll(() => authority.stop())

const assertion = (more: object = {}, header: object = {}, key = agent.key) => {
  const now = seconds()
  const payload = { iss: agent.clientId, sub: agent.clientId, aud: acme.issuer, jti: crypto.randomUUID(), iat: now }
  return signJws(key, { typ: 'JWT', ...header }, { ...payload, exp: now + 60, ...more })
}
const present = async (text: string) => cast.ask(agent, itself, { assertion: text, bearer: true })

describe('A31: the audience of an assertion is our issuer, alone', () => {
  test('an honest one passes, as text or as a list of one', async () => {
    expect((await present(await assertion())).status).toBe(200)
    expect((await present(await assertion({ aud: [acme.issuer] }))).status).toBe(200)
  })

  test.each([
    ['the token endpoint', () => `${acme.issuer}/token`],
    ['our issuer and another', () => [acme.issuer, 'https://as.example']],
    ['another organization here', () => other.issuer],
    ['the origin', () => authority.origin],
    ['our issuer with a slash', () => `${acme.issuer}/`],
    ['nobody', () => []],
  ])('%s is refused', async (_name, aud) => {
    expect(code(await present(await assertion({ aud: aud() })))).toEqual([401, 'invalid_client', 'assertion_audience'])
  })
})

describe('A32: an assertion works once', () => {
  const replayed = [401, 'invalid_client', 'assertion_replayed']

  test('not twice, not in parallel, not after a restart, not at another endpoint', async () => {
    const once = await assertion()
    const all = await Promise.all(Array.from({ length: 8 }, () => present(once)))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of all.filter(({ status }) => status !== 200)) expect(code(answer)).toEqual(replayed)
    await authority.restart()
    expect(code(await present(once))).toEqual(replayed)
    const form = new URLSearchParams({ client_assertion: once, client_assertion_type: bearer, token: 'x' })
    expect(code(await post(`${acme.issuer}/introspect`, form))).toEqual(replayed)
  })

  test('also when the request it came with was refused', async () => {
    const once = await assertion()
    const refused = await cast.ask(agent, { ...itself, scope: 'b' }, { assertion: once, bearer: true })
    expect(refused.body.error).toBe('invalid_scope')
    expect(code(await present(once))).toEqual(replayed)
  })
})

describe('A33: an assertion is short-lived and small', () => {
  test.each([
    ['ten years', { exp: seconds() + 315_360_000 }, 'assertion_lifetime'],
    ['over already', { iat: seconds() - 600, exp: seconds() - 300 }, 'assertion_lifetime'],
    ['from the future', { iat: seconds() + 100, exp: seconds() + 160 }, 'assertion_lifetime'],
    ['a jti of a kilobyte', { jti: 'j'.repeat(1024) }, 'assertion_invalid'],
    ['no jti', { jti: '' }, 'assertion_invalid'],
    ['two subjects', { iss: 'spiffe://acme.credence.example/agent/else' }, 'assertion_invalid'],
  ])('%s is refused', async (_name, more, refusal) => {
    expect(code(await present(await assertion(more)))).toEqual([401, 'invalid_client', refusal])
  })
})

describe('A34: one credential, one client', () => {
  const basic = () => `Basic ${btoa(`${encodeURIComponent(agent.clientId)}:${encodeURIComponent(secret)}`)}`
  const token = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    post(`${acme.issuer}/token`, new URLSearchParams({ ...itself, ...form }), headers)
  const ambiguous = [400, 'invalid_request', 'client_authentication_ambiguous']

  test('two ways at once are refused, whichever two', async () => {
    const signed = { client_assertion: await assertion(), client_assertion_type: bearer }
    const posted = { client_id: agent.clientId, client_secret: secret }
    expect((await token(posted)).status).toBe(200)
    expect((await token({}, { authorization: basic() })).status).toBe(200)
    expect(code(await token({ ...signed, ...posted }))).toEqual(ambiguous)
    expect(code(await token(posted, { authorization: basic() }))).toEqual(ambiguous)
    expect(code(await token(signed, { authorization: basic() }))).toEqual(ambiguous)
    // Also where nobody here reads the second: whoever stands before us may go by it.
    for (const authorization of ['Bearer x', `Bearer ${acme.administratorSecret}`, 'Digest a', 'Negotiate YQ==', '']) {
      const again = { client_assertion: await assertion(), client_assertion_type: bearer }
      expect(code(await token(again, { authorization }))).toEqual(ambiguous)
      expect(code(await token(posted, { authorization }))).toEqual(ambiguous)
    }
  })

  test('a client id that is not the credential’s is refused', async () => {
    const signed = { client_assertion: await assertion(), client_assertion_type: bearer }
    expect(code(await token({ ...signed, client_id: 'spiffe://acme.credence.example/agent/else' }))).toEqual(ambiguous)
    expect(
      code(await token({ client_id: 'spiffe://acme.credence.example/agent/else', client_secret: secret })),
    ).toEqual([401, 'invalid_client', 'client_authentication_failed'])
  })

  test('a parameter sent twice is refused, and so is a credential in the query', async () => {
    const twice = await fetch(`${acme.issuer}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic() },
      body: `grant_type=client_credentials&resource=${encodeURIComponent(api)}&scope=a&scope=a`,
    })
    expect([twice.status, ((await twice.json()) as { error_code: string }).error_code]).toEqual([
      400,
      'parameter_repeated',
    ])
    const query = await post(`${acme.issuer}/token?client_secret=x`, new URLSearchParams(itself))
    expect(query.status).toBe(400)
  })

  test('nothing, or something we do not know, is no authentication', async () => {
    expect(code(await token({}))).toEqual([401, 'invalid_client', 'client_authentication_missing'])
    const failed = [401, 'invalid_client', 'client_authentication_failed']
    for (const authorization of ['Bearer x', 'Basic !', 'Basic YQ==', 'Digest a', `${basic()}, ${basic()}`]) {
      expect(code(await token({}, { authorization }))).toEqual(failed)
    }
  })
})

test('nobody learns which clients exist: the bytes are the same', async () => {
  const key = await generateSigningKey('ES256')
  const sign = (clientId: string) => signClientAssertion(key, { clientId, issuer: acme.issuer, now: seconds() })
  const texts = await Promise.all(
    [agent.clientId, 'spiffe://acme.credence.example/agent/nobody'].map(async (id) =>
      JSON.stringify((await present(await sign(id))).body),
    ),
  )
  expect(texts[0]).toBe(texts[1])
  const wrongKey = await present(await assertion({}, {}, key))
  const tokens = await Promise.all(
    [agent.clientId, 'spiffe://acme.credence.example/agent/nobody'].map((client_id) =>
      post(`${acme.issuer}/token`, new URLSearchParams({ ...itself, client_id, client_secret: 'credence_cs_x' })),
    ),
  )
  expect(new Set([...tokens, wrongKey].map(({ body }) => JSON.stringify(body)))).toEqual(new Set([texts[0]]))
})

test('the assertion of another organization’s agent, or a key of another agent, opens nothing', async () => {
  const there = castOf(other)
  const stranger = await there.agent('agent', await there.person('Eve'))
  const forged = await signClientAssertion(stranger.key, {
    clientId: agent.clientId,
    issuer: acme.issuer,
    now: seconds(),
  })
  expect(code(await present(forged))).toEqual([401, 'invalid_client', 'client_authentication_failed'])
  const own = await signClientAssertion(stranger.key, {
    clientId: stranger.clientId,
    issuer: acme.issuer,
    now: seconds(),
  })
  expect(code(await present(own))).toEqual([401, 'invalid_client', 'client_authentication_failed'])
  const form = new URLSearchParams({ ...itself, client_id: agent.clientId, client_secret: secret })
  expect(code(await post(`${other.issuer}/token`, form))).toEqual([
    401,
    'invalid_client',
    'client_authentication_failed',
  ])
})

test('an ended credential, a suspended agent and a tightened policy are refused from then on', async () => {
  const subject = await cast.agent('brief', ada, { capabilities: ['a'], permissions: [{ resource: api, scope: 'a' }] })
  const ask = () => cast.ask(subject, itself)
  expect((await ask()).status).toBe(200)
  await acme.api('post', `/v1/agents/${subject.id}/suspend`)
  expect(code(await ask())).toEqual([401, 'invalid_client', 'agent_not_active'])
  await acme.api('post', `/v1/agents/${subject.id}/resume`)
  expect((await ask()).status).toBe(200)
  await acme.api('patch', `/v1/agents/${subject.id}`, { credential_policy: { kinds: ['client_secret'] } })
  expect(code(await ask())).toEqual([401, 'invalid_client', 'credential_kind_refused'])
  await acme.api('patch', `/v1/agents/${subject.id}`, { credential_policy: { kinds: ['public_key'] } })
  await acme.api('delete', `/v1/agents/${subject.id}/credentials/${subject.credential}`)
  expect(code(await ask())).toEqual([401, 'invalid_client', 'credential_expired'])
})

describe('A60: introspection and revocation', () => {
  let operator: Agent
  let operated: string

  beforeAll(async () => {
    operator = await cast.agent('operator', ada)
    operated = 'https://operated.example/'
    await cast.resource(operated, ['a'], { operator: operator.id })
    const permissions = [api, operated].map((resource) => ({ resource, scope: 'a' }))
    await acme.api('patch', `/v1/agents/${agent.id}`, { permissions })
  })

  const at = async (path: string, who: Agent, token: string, base = acme) => {
    const now = seconds()
    const assertion = await signClientAssertion(who.key, { clientId: who.clientId, issuer: base.issuer, now })
    const form = new URLSearchParams({ client_assertion: assertion, client_assertion_type: bearer, token })
    return post(`${base.issuer}${path}`, form)
  }

  test('only the operator of the resource learns anything, and it learns the claims as they are', async () => {
    const token = await cast.token(agent, operated)
    expect((await at('/introspect', agent, token)).body).toEqual({ active: false })
    const { body } = await at('/introspect', operator, token)
    expect(body).toEqual({ active: true, token_type: 'DPoP', ...claimsIn(token) })
    expect((await at('/introspect', operator, await cast.token(agent, api))).body).toEqual({ active: false })
    expect((await at('/introspect', operator, 'rubbish')).body).toEqual({ active: false })
    const bare = await post(`${acme.issuer}/introspect`, new URLSearchParams({ token }))
    expect(code(bare)).toEqual([401, 'invalid_client', 'client_authentication_missing'])
  })

  test('another client’s token is not revoked, and the answer does not tell', async () => {
    const token = await cast.token(agent, operated)
    const [others, unknown] = [await at('/revoke', operator, token), await at('/revoke', operator, 'rubbish')]
    expect([others.status, others.body]).toEqual([200, ''])
    expect([unknown.status, unknown.body]).toEqual([200, ''])
    expect((await at('/introspect', operator, token)).body.active).toBe(true)
    expect((await at('/revoke', agent, token)).status).toBe(200)
    expect((await at('/introspect', operator, token)).body).toEqual({ active: false })
    expect((await at('/revoke', agent, token)).status).toBe(200)
    await authority.restart()
    expect((await at('/introspect', operator, token)).body).toEqual({ active: false })
  })
})
