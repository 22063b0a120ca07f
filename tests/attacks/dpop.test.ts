// A36 to A39 of the attack list, at the token endpoint and at the authority's own API.

import { createDpopProof, generateSigningKey, hashText, signClientAssertion, signJws } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, seconds } from '../cast.ts'

const api = 'https://api.example/'
let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let agent: Agent

const itself = { grant_type: 'client_credentials', resource: api }
const code = ({ status, body }: Answer) => [status, body.error, body.error_code]

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'], settings: { failuresPerMinute: 0 } })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  agent = await cast.agent('agent', await cast.person('Ada'), {
    capabilities: ['a'],
    permissions: [{ resource: api, scope: 'a' }],
  })
  await cast.resource(api, ['a'])
})
afterAll(() => authority.stop())

const url = () => `${acme.issuer}/token`
const withProof = (proof: string) => cast.ask(agent, itself, { proof })

async function forge(payload: object = {}, header: object = {}): Promise<string> {
  const { kid: _kid, alg: _alg, use: _use, ...jwk } = agent.key.publicJwk
  const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: url(), iat: seconds(), ...payload }
  return signJws(agent.key, { typ: 'dpop+jwt', jwk, ...header }, claims)
}

describe('A36', () => {
  test('a proof works once, also in parallel and after a restart', async () => {
    const proof = await forge()
    const all = await Promise.all(Array.from({ length: 6 }, () => withProof(proof)))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    const replayed = [400, 'invalid_dpop_proof', 'proof_replayed']
    for (const answer of all.filter(({ status }) => status !== 200)) expect(code(answer)).toEqual(replayed)
    await authority.restart()
    expect(code(await withProof(proof))).toEqual(replayed)
  })

  test.each([
    ['another method', { htm: 'GET' }, 'proof_method_mismatch'],
    ['the method in lower case', { htm: 'post' }, 'proof_method_mismatch'],
    ['another path', { htu: 'http://localhost/other' }, 'proof_target_mismatch'],
    ['old', { iat: seconds() - 120 }, 'proof_stale'],
    ['from the future', { iat: seconds() + 120 }, 'proof_stale'],
    ['no time', { iat: 'now' }, 'proof_invalid'],
    ['no jti', { jti: '' }, 'proof_invalid'],
    ['a huge jti', { jti: 'j'.repeat(1000) }, 'proof_invalid'],
  ])('%s is refused', async (_name, payload, refusal) => {
    expect(code(await withProof(await forge(payload)))).toEqual([400, 'invalid_dpop_proof', refusal])
  })

  test('the path of the target is compared as it is; case of the host and the query are not part of it', async () => {
    const { host } = new URL(acme.issuer)
    expect((await withProof(await forge({ htu: `${url()}?a=b#c` }))).status).toBe(200)
    expect((await withProof(await forge({ htu: url().replace(host, host.toUpperCase()) }))).status).toBe(200)
    for (const htu of [`${url()}/`, url().replace('/token', '/Token'), url().replace('/token', '/x/../token2')]) {
      expect(code(await withProof(await forge({ htu })))[2]).toBe('proof_target_mismatch')
    }
  })
})

describe('A37', () => {
  test('two proofs, a private or symmetric key, and no algorithm are refused', async () => {
    const bad = async (proof: string) =>
      expect(code(await withProof(proof))).toEqual([400, 'invalid_dpop_proof', 'proof_invalid'])
    await bad(`${await forge()}, ${await forge()}`)
    await bad('')
    const { privateJwk } = await generateSigningKey('ES256', { extractable: true })
    await bad(await forge({}, { jwk: privateJwk as object }))
    await bad(await forge({}, { jwk: { kty: 'oct', k: 'AAAA' } }))
    await bad(await forge({}, { typ: 'JWT' }))
    const [, payload] = (await forge()).split('.')
    const none = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'none', jwk: agent.key.publicJwk })).toString(
      'base64url',
    )
    await bad(`${none}.${payload}.`)
    const stranger = await generateSigningKey('ES256')
    await bad(await forge({}, { jwk: stranger.publicJwk }))
  })
})

describe('A38: at the authority’s own API', () => {
  const own = () => `${acme.issuer}/v1`
  const call = async (headers: Record<string, string>): Promise<Answer> => {
    const response = await fetch(`${own()}/delegations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ statements: ['x'] }),
    })
    return { status: response.status, body: await response.json(), headers: response.headers }
  }
  const proofFor = (accessToken: string, key = agent.key) =>
    createDpopProof(key, { method: 'POST', url: `${own()}/delegations`, now: seconds(), accessToken })

  test('a bound token is worth nothing without its proof', async () => {
    const token = await cast.token(agent, own())
    const proof = await proofFor(token)
    expect((await call({ authorization: `Bearer ${token}` })).body.code).toBe('proof_missing')
    expect((await call({ authorization: `Bearer ${token}`, dpop: proof })).body.code).toBe('proof_missing')
    expect((await call({ authorization: `DPoP ${token}` })).body.code).toBe('proof_missing')
    const stranger = await generateSigningKey('ES256')
    expect((await call({ authorization: `DPoP ${token}`, dpop: await proofFor(token, stranger) })).body.code).toBe(
      'proof_key_mismatch',
    )
    const another = await cast.token(agent, own())
    expect((await call({ authorization: `DPoP ${another}`, dpop: proof })).body.code).toBe('proof_token_mismatch')
    // With it, the door opens (and what was sent is no statement); a second time it does not.
    expect((await call({ authorization: `DPoP ${token}`, dpop: proof })).body.code).toBe('malformed')
    expect((await call({ authorization: `DPoP ${token}`, dpop: proof })).body.code).toBe('proof_replayed')
    expect(await hashText(token)).toHaveLength(43)
  })

  test('a token for another audience does not open it', async () => {
    const token = await cast.token(agent, api)
    const answer = await call({ authorization: `DPoP ${token}`, dpop: await proofFor(token) })
    expect([answer.status, answer.body.code]).toEqual([401, 'audience_mismatch'])
  })
})

describe('A39: where a nonce is on', () => {
  let strict: TestAuthority
  let organization: TestOrganization
  let subject: Agent
  let aheadMs = 0
  const now = () => Math.floor((Date.now() + aheadMs) / 1000)

  beforeAll(async () => {
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs }
    const settings = { dpopNonce: 'required', failuresPerMinute: 0 } as const
    strict = await startTestAuthority({ organizations: ['acme', 'other'], settings, clock })
    organization = strict.organizations.acme as TestOrganization
    for (const one of Object.values(strict.organizations)) {
      const there = castOf(one)
      const permissions = [{ resource: api, scope: 'a' }]
      const made = await there.agent('agent', await there.person('Ada'), { capabilities: ['a'], permissions })
      await there.resource(api, ['a'])
      if (one === organization) subject = made
    }
  })
  afterAll(() => strict.stop())

  /** A token request whose proof has this nonce in it, at the authority's own time. */
  const ask = async (nonce?: string, resource = api) => {
    const { issuer } = organization
    const proof = { method: 'POST', url: `${issuer}/token`, now: now(), ...(nonce !== undefined && { nonce }) }
    const assertion = await signClientAssertion(subject.key, { clientId: subject.clientId, issuer, now: now() })
    const how = { assertion, proof: await createDpopProof(subject.key, proof) }
    return castOf(organization).ask(subject, { ...itself, resource }, how)
  }
  const fresh = async () => (await ask()).headers.get('dpop-nonce') ?? ''
  const demanded = [400, 'use_dpop_nonce', 'nonce_required']

  test('it is always asked for, and given', async () => {
    const first = await ask()
    expect(code(first)).toEqual(demanded)
    const nonce = first.headers.get('dpop-nonce') ?? ''
    expect(nonce).toMatch(/^[\w-]{24}$/)
    const second = await ask(nonce)
    expect([second.status, second.headers.get('dpop-nonce')]).toEqual([200, expect.stringMatching(/^[\w-]{24}$/)])
    await strict.restart()
    // Stateless, and its secret is in the store: any node, any time within its minutes.
    expect((await ask(nonce)).status).toBe(200)
  })

  test('only ours will do, as it was given and while it is young', async () => {
    const nonce = await fresh()
    const turned = nonce.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
    for (const wrong of ['', 'made-up', nonce.slice(0, -1), `${nonce}A`, ` ${nonce}`, turned, nonce.repeat(2), '\0']) {
      expect([wrong, ...code(await ask(wrong))]).toEqual([wrong, ...demanded])
    }
    const other = castOf(strict.organizations.other as TestOrganization)
    const neighbour = await other.agent('neighbour', await other.person('Eve'))
    const asked = await other.ask(neighbour, itself)
    const borrowed = asked.headers.get('dpop-nonce') ?? ''
    expect([borrowed.length, borrowed === nonce]).toEqual([24, false])
    expect(code(await ask(borrowed))).toEqual(demanded)
    expect((await ask(nonce)).status).toBe(200)
    // A proof can be made in advance only for as long as a nonce lives.
    aheadMs += 4 * 60_000
    expect(code(await ask(nonce))).toEqual(demanded)
    expect((await ask(await fresh())).status).toBe(200)
  })

  test('at the authority’s own API too, and a proof that had one is used up', async () => {
    const own = `${organization.issuer}/v1`
    const token = (await ask(await fresh(), own)).body.access_token as string
    const call = async (nonce?: string, proof?: string) => {
      const of = { method: 'GET', url: `${organization.issuer}/revocations`, now: now(), accessToken: token }
      const dpop = proof ?? (await createDpopProof(subject.key, { ...of, ...(nonce !== undefined && { nonce }) }))
      const answer = await fetch(of.url, { headers: { authorization: `DPoP ${token}`, dpop } })
      return { status: answer.status, body: await answer.json().catch(() => ({})), headers: answer.headers } as Answer
    }
    const first = await call()
    expect([first.status, first.body.code]).toEqual([401, 'nonce_required'])
    // This agent runs nothing, so it may not read; but it has come in.
    expect((await call(first.headers.get('dpop-nonce') ?? '')).body.code).toBe('insufficient_scope')
    const of = { method: 'GET', url: `${organization.issuer}/revocations`, now: now(), accessToken: token }
    const proof = await createDpopProof(subject.key, { ...of, nonce: await fresh() })
    expect((await call(undefined, proof)).body.code).toBe('insufficient_scope')
    expect((await call(undefined, proof)).body.code).toBe('proof_replayed')
  })
})
