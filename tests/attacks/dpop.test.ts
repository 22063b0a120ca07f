// A36 to A39 of the attack list, at the token endpoint and at the authority's own API.

import { createDpopProof, generateSigningKey, hashText, signJws } from '@credence/protocol'
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

test('A39: where a nonce is on, it is always asked for, and only ours will do', async () => {
  const strict = await startTestAuthority({ organizations: ['acme'], settings: { dpopNonce: 'required' } })
  try {
    const organization = strict.organizations.acme as TestOrganization
    const there = castOf(organization)
    const subject = await there.agent('agent', await there.person('Ada'), {
      capabilities: ['a'],
      permissions: [{ resource: api, scope: 'a' }],
    })
    await there.resource(api, ['a'])
    const ask = async (nonce?: string) => {
      const target = `${organization.issuer}/token`
      const proof = { method: 'POST', url: target, now: seconds(), ...(nonce !== undefined && { nonce }) }
      return there.ask(subject, itself, { proof: await createDpopProof(subject.key, proof) })
    }
    const first = await ask()
    expect(code(first)).toEqual([400, 'use_dpop_nonce', 'nonce_required'])
    const nonce = first.headers.get('dpop-nonce') ?? ''
    expect(nonce).toMatch(/^[\w-]{24}$/)
    expect(code(await ask('made-up'))).toEqual([400, 'use_dpop_nonce', 'nonce_required'])
    const second = await ask(nonce)
    expect([second.status, second.headers.get('dpop-nonce')]).toEqual([200, expect.stringMatching(/^[\w-]{24}$/)])
    await strict.restart()
    // Stateless, and its secret is in the store: any node, any time within its minutes.
    expect((await ask(nonce)).status).toBe(200)
  } finally {
    await strict.stop()
  }
})
