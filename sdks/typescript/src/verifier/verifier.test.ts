import {
  createDpopProof,
  generateSigningKey,
  type RefusalCode,
  type SigningKey,
  signClientAssertion,
  signJws,
} from '@credence/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bearerCall, boundCall, target } from '../../test/calls.ts'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock } from '../../test/manual_clock.ts'
import { createVerifier, type Expected, type Verdict, type Verifier, type VerifierOptions } from '../verify.ts'

let clock: ManualClock
let issuer: FakeIssuer
let holder: SigningKey
let verifier: Verifier

async function start(more: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const started = createVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator: await issuer.operator() }],
    proof: 'required',
    ...issuer.runtime,
    ...more,
  })
  await started.ready()
  // Past the time in which a fresh start asks for its nonce.
  await clock.advance(7_000)
  await issuer.heartbeat()
  return started
}

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
  holder = await generateSigningKey('EdDSA')
  verifier = await start()
})

afterEach(() => verifier.stop())

const codeOf = (verdict: Verdict): RefusalCode | 'permitted' => (verdict.ok ? 'permitted' : verdict.refusal.code)
const boundToken = async (more: Parameters<FakeIssuer['token']>[0] = {}) =>
  issuer.token({ ...(await issuer.boundTo(holder)), ...more })

async function challengesOf(request: Request, expected: Expected = {}): Promise<{ status: number; header: string }> {
  const verdict = await verifier.verify(request, expected)
  if (verdict.ok) throw new Error('it was permitted')
  const response = verdict.response()
  return { status: response.status, header: response.headers.get('www-authenticate') ?? '' }
}

describe('what a permitted call says', () => {
  test('who calls, for whom, through whom, with what', async () => {
    const act = { sub: 'spiffe://acme.example/agent/payer', act: { sub: 'spiffe://acme.example/agent/planner' } }
    const token = await boundToken({ sub: 'psn_AAAAAAAAAAAAAAAAAAAAAA', act, scope: 'ledger:read pr:*' })
    const verdict = await verifier.verify(await boundCall(token, holder, clock), { scope: ['ledger:read', 'pr:write'] })
    expect(verdict).toMatchObject({
      ok: true,
      agent: 'spiffe://acme.example/agent/payer',
      principal: 'psn_AAAAAAAAAAAAAAAAAAAAAA',
      actors: ['spiffe://acme.example/agent/payer', 'spiffe://acme.example/agent/planner'],
      scopes: ['ledger:read', 'pr:*'],
    })
  })

  test('is frozen, because the next call with the token gets the same', async () => {
    const verdict = await verifier.verify(await boundCall(await boundToken(), holder, clock))
    if (!verdict.ok) throw verdict.refusal
    expect(() => Object.assign(verdict, { principal: 'me' })).toThrow()
    expect(() => Object.assign(verdict.token, { sub: 'me' })).toThrow()
    expect(() => (verdict.scopes as string[]).push('*')).toThrow()
    expect(() => (verdict.token.lineage as Array<[string, number]>).pop()).toThrow()
  })
})

describe('the credential', () => {
  const tokens = ['', 'Bearer', 'Bearer ', 'Bearer  x.y.z', 'Bearer x y', 'Bearer a.b.c, Bearer d.e.f', 'DPoP\tx.y.z']
  test.each(tokens)('%j is refused', async (authorization) => {
    const verdict = await verifier.verify({ method: 'GET', url: target, headers: new Headers({ authorization }) })
    expect(codeOf(verdict)).toMatch(/^(token_missing|malformed)$/)
    if (!verdict.ok) expect(verdict.response().status).toBe(401)
  })

  test('two Authorization fields are one too many', async () => {
    const headers = new Headers()
    headers.append('authorization', `Bearer ${await issuer.token()}`)
    headers.append('authorization', `Bearer ${await issuer.token()}`)
    expect(codeOf(await verifier.verify({ method: 'GET', url: target, headers }))).toBe('malformed')
  })

  test('a token in the query is not looked at', async () => {
    const url = `${target}?access_token=${await issuer.token()}`
    expect(codeOf(await verifier.verify(new Request(url)))).toBe('token_missing')
  })

  test('ten megabytes are refused before anything is done with them', async () => {
    const headers = { get: () => `Bearer ${'a'.repeat(10_000_000)}` } as unknown as Headers
    expect(codeOf(await verifier.verify({ method: 'GET', url: target, headers }))).toBe('too_large')
  })
})

describe('the token', () => {
  test('of another audience, an untrusted issuer, another type, or expired is refused, each by its name', async () => {
    const call = async (token: string) => codeOf(await verifier.verify(await boundCall(token, holder, clock)))
    expect(await call(await boundToken({ aud: `${issuer.resource}/` }))).toBe('audience_mismatch')
    expect(await call(await boundToken({ aud: 'https://API.example/ledger' }))).toBe('audience_mismatch')
    expect(await call(await boundToken({ iss: `${issuer.issuer}/` }))).toBe('issuer_untrusted')
    const about = { clientId: 'spiffe://acme.example/agent/payer', issuer: issuer.issuer, now: 0 }
    expect(await call(await signClientAssertion(issuer.signing, about))).toBe('type_mismatch')
    expect(await call(await createDpopProof(issuer.signing, { method: 'GET', url: target, now: 0 }))).toBe(
      'type_mismatch',
    )
    const token = await boundToken()
    await clock.advance(1_000)
    clock.jump(306_000)
    expect(await call(token)).toBe('token_expired')
  })

  test('signed by another issuer’s key with the same key id is refused', async () => {
    const other = await FakeIssuer.open(clock, { issuer: 'https://other.example/o/evil', kid: issuer.signing.kid })
    const both = await start({
      issuers: [
        { issuer: issuer.issuer, operator: await issuer.operator() },
        { issuer: other.issuer, operator: await other.operator() },
      ],
      fetch: (input, init) =>
        String(input).startsWith(other.issuer.slice(0, 21)) ? other.fetch(input, init) : issuer.fetch(input, init),
    })
    const call = async (token: string) => codeOf(await both.verify(await boundCall(token, holder, clock)))
    expect(await call(await issuer.token(await issuer.boundTo(holder)))).toBe('permitted')
    expect(await call(await other.token(await other.boundTo(holder)))).toBe('permitted')
    expect(await call(await issuer.token(await issuer.boundTo(holder), other.signing))).toBe('signature_invalid')
    await both.stop()
  })

  test('a feed of one issuer ends nothing of another', async () => {
    const other = await FakeIssuer.open(clock, { issuer: 'https://other.example/o/evil' })
    const both = await start({
      issuers: [
        { issuer: issuer.issuer, operator: await issuer.operator() },
        { issuer: other.issuer, operator: await other.operator() },
      ],
      fetch: (input, init) =>
        String(input).startsWith(other.issuer.slice(0, 21)) ? other.fetch(input, init) : issuer.fetch(input, init),
    })
    const claims = await issuer.claims(await issuer.boundTo(holder))
    await other.revoke(claims.agent)
    await issuer.heartbeat()
    await clock.advance(100)
    expect(codeOf(await both.verify(await boundCall(await issuer.token(claims), holder, clock)))).toBe('permitted')
    await both.stop()
  })

  test('five thousand unknown key ids make one fetch in a cool-down; known keys work on; a new key is found after it', async () => {
    const before = issuer.count('/jwks')
    const claims = await issuer.claims(await issuer.boundTo(holder))
    const forged = async (kid: string) =>
      `${await signJws({ ...issuer.signing, kid }, { typ: 'at+jwt' }, claims as never)}`
    await clock.advance(31_000)
    await issuer.heartbeat()
    const batch = await Promise.all(Array.from({ length: 100 }, (_, n) => forged(`unknown-${n}`)))
    for (let round = 0; round < 50; round++) {
      const verdicts = await Promise.all(batch.map((token) => verifier.verify(bearerCall(`${token}`))))
      expect(new Set(verdicts.map(codeOf))).toEqual(new Set(['key_unknown']))
    }
    expect(issuer.count('/jwks')).toBe(before + 1)
    expect(codeOf(await verifier.verify(await boundCall(await boundToken(), holder, clock)))).toBe('permitted')

    const next = await generateSigningKey('ES256')
    issuer.published.push(next)
    const token = await issuer.token(await issuer.boundTo(holder), next)
    expect(codeOf(await verifier.verify(await boundCall(token, holder, clock)))).toBe('key_unknown')
    await clock.advance(31_000)
    await issuer.heartbeat()
    const later = await issuer.token(await issuer.boundTo(holder), next)
    expect(codeOf(await verifier.verify(await boundCall(later, holder, clock)))).toBe('permitted')
    expect(issuer.count('/jwks')).toBe(before + 2)
  })

  test('nothing in a header makes it fetch anything', async () => {
    const asked = [...issuer.asked]
    const claims = await issuer.claims()
    // A jwk in a header leaves the kid out: then there is no key at all.
    for (const header of [{ jku: 'https://evil.example' }, { x5u: 'file:///etc' }, { jwk: holder.publicJwk }]) {
      const token = await signJws(issuer.signing, { typ: 'at+jwt', ...header }, claims as never)
      expect(codeOf(await verifier.verify(bearerCall(token)))).toMatch(/^(claims_invalid|key_unknown)$/)
    }
    expect([...issuer.asked]).toEqual(asked)
  })
})

describe('possession', () => {
  const cases: Array<[string, Parameters<typeof boundCall>[3], RefusalCode]> = [
    ['another method', { method: 'POST' }, 'proof_method_mismatch'],
    ['another path', { url: 'https://api.example/ledger' }, 'proof_target_mismatch'],
    ['another host', { url: 'https://evil.example/ledger/entries' }, 'proof_target_mismatch'],
    ['another port', { url: 'https://api.example:8443/ledger/entries' }, 'proof_target_mismatch'],
    ['another token', { accessToken: 'a.b.c' }, 'proof_token_mismatch'],
    ['the past', { now: Date.parse('2026-11-24T09:58:00Z') / 1000 }, 'proof_stale'],
    ['the future', { now: Date.parse('2026-11-24T10:02:00Z') / 1000 }, 'proof_stale'],
  ]
  test.each(cases)('a proof for %s is refused', async (_, proof, code) => {
    expect(codeOf(await verifier.verify(await boundCall(await boundToken(), holder, clock, proof)))).toBe(code)
  })

  test('a proof works once', async () => {
    const call = await boundCall(await boundToken(), holder, clock)
    const verdicts = await Promise.all([verifier.verify(call), verifier.verify(call), verifier.verify(call)])
    expect(verdicts.map(codeOf).sort()).toEqual(['permitted', 'proof_replayed', 'proof_replayed'])
    await clock.advance(59_000)
    await issuer.heartbeat()
    expect(codeOf(await verifier.verify(call))).toBe('proof_replayed')
    await clock.advance(3_000)
    await issuer.heartbeat()
    expect(codeOf(await verifier.verify(call))).toBe('proof_stale')
  })

  test('a clock that was set back does not bring a proof back', async () => {
    const call = await boundCall(await boundToken(), holder, clock)
    expect(codeOf(await verifier.verify(call))).toBe('permitted')
    clock.jump(130_000)
    await verifier.verify(await boundCall(await boundToken(), holder, clock))
    clock.jump(65_000)
    await verifier.verify(await boundCall(await boundToken(), holder, clock))
    clock.jump(-195_000)
    expect(codeOf(await verifier.verify(call))).toBe('proof_stale')
  })

  test('a bound token as a bearer token, without a proof, with two, or with a stranger’s, is refused', async () => {
    const token = await boundToken()
    expect(codeOf(await verifier.verify(bearerCall(token)))).toBe('proof_missing')
    expect(codeOf(await verifier.verify(new Request(target, { headers: { authorization: `DPoP ${token}` } })))).toBe(
      'proof_missing',
    )
    const twice = await boundCall(token, holder, clock)
    twice.headers.append('dpop', (await boundCall(token, holder, clock)).headers.get('dpop') ?? '')
    expect(codeOf(await verifier.verify(twice))).toBe('proof_invalid')
    const stranger = await generateSigningKey('ES256')
    expect(codeOf(await verifier.verify(await boundCall(token, stranger, clock)))).toBe('proof_key_mismatch')
  })

  test('an unbound token passes only where proofs are optional, and only as a bearer token', async () => {
    const token = await issuer.token()
    expect(codeOf(await verifier.verify(bearerCall(token)))).toBe('proof_missing')
    const lax = await start({ proof: 'optional' })
    expect(codeOf(await lax.verify(bearerCall(token)))).toBe('permitted')
    expect(codeOf(await lax.verify(await boundCall(token, holder, clock)))).toBe('proof_key_mismatch')
    expect(codeOf(await lax.verify(bearerCall(await boundToken())))).toBe('proof_missing')
    await lax.stop()
  })

  test('a token bound in an unknown way is not an unbound one', async () => {
    const lax = await start({ proof: 'optional' })
    for (const cnf of [{}, { 'x5t#S256': 'a' }, { jkt: holder.kid, jwk: {} }, null]) {
      const claims = { ...(await issuer.claims()), cnf }
      const token = await signJws(issuer.signing, { typ: 'at+jwt' }, claims as never)
      expect(codeOf(await lax.verify(bearerCall(token)))).toMatch(/^(binding_unknown|claims_invalid)$/)
    }
    await lax.stop()
  })

  test('after a start, what was proven before it is not believed; a proof with the nonce is', async () => {
    const before = await boundCall(await boundToken(), holder, clock)
    const ahead = await boundCall(await boundToken(), holder, clock, { now: Math.floor(clock.nowMs() / 1000) + 5 })
    const fresh = createVerifier({
      resource: issuer.resource,
      issuers: [{ issuer: issuer.issuer, operator: await issuer.operator() }],
      ...issuer.runtime,
    })
    await fresh.ready()
    expect(codeOf(await fresh.verify(before))).toBe('nonce_required')
    const verdict = await fresh.verify(ahead)
    if (verdict.ok) throw new Error('it was permitted')
    const response = verdict.response()
    expect(response.headers.get('www-authenticate')).toContain('error="use_dpop_nonce"')
    const nonce = response.headers.get('dpop-nonce') ?? ''
    expect(codeOf(await fresh.verify(await boundCall(await boundToken(), holder, clock, { nonce })))).toBe('permitted')
    await clock.advance(7_000)
    expect(codeOf(await fresh.verify(ahead))).toBe('nonce_required')
    expect(codeOf(await fresh.verify(await boundCall(await boundToken(), holder, clock)))).toBe('permitted')
    await fresh.stop()
  })

  test('the target is the configured one, whatever the request says of its host', async () => {
    const token = await boundToken()
    const call = await boundCall(token, holder, clock)
    const behind = { method: 'GET', headers: call.headers, url: 'http://10.0.0.7:8080/ledger/entries?page=2' }
    expect(codeOf(await verifier.verify(behind))).toBe('permitted')
    const path = { method: 'GET', headers: (await boundCall(token, holder, clock)).headers, url: '/ledger/entries' }
    expect(codeOf(await verifier.verify(path))).toBe('permitted')
  })

  test('replicas that share their memory accept a proof once between them', async () => {
    const used = new Set<string>()
    const replays = { claim: (id: string) => used.size !== used.add(id).size }
    const [one, two] = [await start({ replays }), await start({ replays })]
    const call = await boundCall(await boundToken(), holder, clock)
    expect([codeOf(await one.verify(call)), codeOf(await two.verify(call))]).toEqual(['permitted', 'proof_replayed'])
    await Promise.all([one.stop(), two.stop()])
  })
})

describe('scope, tool, task and arguments', () => {
  const scope = 'ledger:read'
  const check = async (expected: Expected, more: Parameters<FakeIssuer['token']>[0] = { scope }) =>
    codeOf(await verifier.verify(await boundCall(await boundToken(more), holder, clock), expected))

  test('each has its refusal', async () => {
    expect(await check({ scope: 'ledger:read' })).toBe('permitted')
    expect(await check({ scope: 'ledger:read ledger:write' })).toBe('insufficient_scope')
    expect(await check({ scope: 'ledger' })).toBe('insufficient_scope')
    expect(await check({ scope: 'ledger' }, { scope: 'ledger:*' })).toBe('insufficient_scope')
    expect(await check({ tool: 'statement' })).toBe('permitted')
    expect(await check({ tool: 'transfer' })).toBe('tool_not_granted')
    expect(await check({ tool: 'transfer' }, { scope: 'ledger:*' })).toBe('permitted')
    expect(await check({ tool: 'toString' })).toBe('tool_unknown')
    expect(await check({ task: 'invoice-7' })).toBe('task_required')
    expect(await check({ task: 'invoice-7' }, { task: 'invoice-8' })).toBe('task_required')
    expect(await check({ task: 'invoice-7' }, { task: 'invoice-7' })).toBe('permitted')
  })

  test('bounds on arguments hold, also against a service that states none', async () => {
    const bounded = {
      authorization_details: [{ type: 'agent_delegation', constraints: [{ key: 'amount', max: 100 }] }] as never,
    }
    expect(await check({ arguments: { amount: 100 } }, bounded)).toBe('permitted')
    expect(await check({ arguments: { amount: 101 } }, bounded)).toBe('ceiling_exceeded')
    expect(await check({ arguments: { amount: '1' } }, bounded)).toBe('ceiling_exceeded')
    expect(await check({}, bounded)).toBe('ceiling_exceeded')
    const unknown = {
      authorization_details: [{ type: 'agent_delegation', constraints: [{ key: 'amount', evenly: true }] }] as never,
    }
    expect(await check({ arguments: { amount: 1 } }, unknown)).toBe('unknown_constraint')
  })
})

describe('the answer to a refused call', () => {
  test('without a token: a challenge without an error', async () => {
    const { status, header } = await challengesOf(new Request(target))
    expect(status).toBe(401)
    expect(header).toBe('DPoP algs="ES256 EdDSA RS256"')
  })

  test('too little scope: 403 with every scope the call needs, and where the resource describes itself', async () => {
    await verifier.stop()
    const resourceMetadata = 'https://api.example/.well-known/oauth-protected-resource/ledger'
    verifier = await start({ resourceMetadata })
    const call = await boundCall(await boundToken(), holder, clock)
    const { status, header } = await challengesOf(call, { scope: 'ledger:read', tool: 'transfer' })
    expect(status).toBe(403)
    expect(header).toContain('error="insufficient_scope"')
    expect(header).toContain('scope="ledger:read ledger:write"')
    expect(header).toContain(`resource_metadata="${resourceMetadata}"`)
  })

  test('a bad proof is invalid_dpop_proof, a bad token invalid_token', async () => {
    const stale = await boundCall(await boundToken(), holder, clock, { now: 1 })
    expect((await challengesOf(stale)).header).toContain('DPoP algs="ES256 EdDSA RS256", error="invalid_dpop_proof"')
    expect((await challengesOf(bearerCall('a.b.c'))).header).toContain('error="invalid_token"')
  })

  test('where bearer tokens may pass, both schemes are offered', async () => {
    const lax = await start({ proof: 'optional' })
    const verdict = await lax.verify(new Request(target))
    if (verdict.ok) throw new Error('it was permitted')
    expect(verdict.response().headers.get('www-authenticate')).toBe('Bearer, DPoP algs="ES256 EdDSA RS256"')
    await lax.stop()
  })

  test('a stale verifier says 503 and when to try again', async () => {
    issuer.reachable = false
    await clock.advance(11_000)
    const verdict = await verifier.verify(await boundCall(await boundToken(), holder, clock))
    if (verdict.ok) throw new Error('it was permitted')
    const response = verdict.response()
    expect([response.status, response.headers.get('retry-after'), response.headers.get('www-authenticate')]).toEqual([
      503,
      '1',
      null,
    ])
    expect(await response.json()).toMatchObject({ code: 'lease_over', type: 'urn:credence:refusal:lease_over' })
  })

  test('nothing of the request is repeated', async () => {
    const verdict = await verifier.verify(bearerCall('canary.very.secret'))
    if (verdict.ok) throw new Error('it was permitted')
    const response = verdict.response()
    expect(JSON.stringify([...response.headers]) + (await response.text())).not.toMatch(/secret|canary/)
  })
})

test('a verifier without an audience or an issuer does not start', async () => {
  const operator = await issuer.operator()
  expect(() => createVerifier({ resource: '', issuers: [{ issuer: issuer.issuer, operator }] })).toThrow()
  expect(() => createVerifier({ resource: issuer.resource, issuers: [] })).toThrow()
  const elsewhere = 'https://other.example/o/x'
  expect(() => createVerifier({ resource: issuer.resource, issuers: [{ issuer: elsewhere, operator }] })).toThrow()
})

test.each([-1, 61, Number.NaN, Number.POSITIVE_INFINITY])(
  'clocks that differ by %s s are no setting',
  async (toleranceSeconds) => {
    const issuers = [{ issuer: issuer.issuer, operator: await issuer.operator() }]
    const options = { resource: issuer.resource, issuers, toleranceSeconds }
    expect(() => createVerifier(options)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  },
)

test('a signature is verified once for as long as its verdict is kept', async () => {
  const lax = await start({ proof: 'optional' })
  const tokens = await Promise.all(Array.from({ length: 3 }, () => issuer.token()))
  const verified = vi.spyOn(crypto.subtle, 'verify')
  try {
    const ofToken = (token: string) =>
      verified.mock.calls.filter(([, , , data]) => token.startsWith(new TextDecoder().decode(data))).length
    for (let round = 0; round < 100; round++) {
      for (const token of tokens) expect((await lax.verify(bearerCall(token), { scope: 'ledger:read' })).ok).toBe(true)
    }
    expect(tokens.map(ofToken)).toEqual([1, 1, 1])
  } finally {
    verified.mockRestore()
  }
  await lax.stop()
})
