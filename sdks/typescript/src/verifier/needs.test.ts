import { generateSigningKey, type SigningKey } from '@credence/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { boundCall, target } from '../../test/calls.ts'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock } from '../../test/manual_clock.ts'
import { createVerifier, type Expected, type Needs, type Verdict, type Verifier } from '../verify.ts'

let clock: ManualClock
let issuer: FakeIssuer
let holder: SigningKey
let verifier: Verifier

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
  holder = await generateSigningKey('EdDSA')
  const issuers = [{ issuer: issuer.issuer, operator: await issuer.operator() }]
  verifier = createVerifier({ resource: issuer.resource, issuers, proof: 'required', ...issuer.runtime })
  await verifier.ready()
  // Past the time in which a fresh start asks for its nonce.
  await clock.advance(7_000)
  await issuer.heartbeat()
})
afterEach(() => verifier.stop())

const bound = async () => issuer.token(await issuer.boundTo(holder))
const answer = (verdict: Verdict) =>
  verdict.ok ? [200, 'permitted'] : [verdict.response().status, verdict.refusal.code]
const call = async (token: string, needs: Needs) =>
  answer(await verifier.verify(await boundCall(token, holder, clock), needs))

test('nobody is asked what a call needs before its caller is known, or once the caller has ended', async () => {
  const needs = vi.fn((): Expected => ({ scope: 'ledger:read' }))
  expect(answer(await verifier.verify(new Request(target), needs))).toEqual([401, 'token_missing'])
  expect(await call('x.y.z', needs)).toEqual([401, 'token_malformed'])
  const claims = await issuer.claims(await issuer.boundTo(holder))
  const token = await issuer.token(claims)
  const other = await generateSigningKey('EdDSA')
  const stolen = await verifier.verify(await boundCall(token, other, clock), needs)
  expect(answer(stolen)).toEqual([401, 'proof_key_mismatch'])
  expect(needs).not.toHaveBeenCalled()

  expect(await call(token, needs)).toEqual([200, 'permitted'])
  await issuer.revoke(claims.agent)
  await vi.waitFor(async () => expect(await call(token, needs)).toEqual([401, 'revoked']))
  const asked = needs.mock.calls.length
  expect(await call(token, needs)).toEqual([401, 'revoked'])
  expect(needs.mock.calls.length).toBe(asked)
})

test('a proof is used up by one call, whether what it needs could be read or not', async () => {
  const token = await bound()
  const request = await boundCall(token, holder, clock)
  const unreadable = () => Promise.reject(new SyntaxError('no JSON'))
  expect(answer(await verifier.verify(request, unreadable))).toEqual([400, 'malformed'])
  expect(answer(await verifier.verify(request, {}))).toEqual([401, 'proof_replayed'])
})

test('the answer to a call that cannot be read says nothing of why, and challenges nobody', async () => {
  const verdict = await verifier.verify(await boundCall(await bound(), holder, clock), () => {
    throw new Error('secret')
  })
  if (verdict.ok) throw new Error('it was permitted')
  const response = verdict.response()
  expect(response.headers.get('www-authenticate')).toBeNull()
  expect(await response.text()).not.toContain('secret')
  expect(verdict.refusal.cause).toEqual(new Error('secret'))
})

test('what needs nothing that can be read is never a pass', async () => {
  const token = await bound()
  for (const needs of [undefined, null, { arguments: 'x' }, { arguments: [1] }, { arguments: null }]) {
    expect(await call(token, () => needs as never)).toEqual([400, 'malformed'])
  }
})

test('what ends while a call is read has ended for that call', async () => {
  const claims = await issuer.claims(await issuer.boundTo(holder))
  const revoked = await call(await issuer.token(claims), async () => {
    await issuer.revoke(claims.agent)
    await clock.advance(10)
    return {}
  })
  expect(revoked).toEqual([401, 'revoked'])
  const expired = await call(await bound(), async () => {
    clock.jump(306_000)
    await clock.advance(1)
    return {}
  })
  expect(expired).toEqual([401, 'token_expired'])
})

test('a scope that was read from the call is in the challenge', async () => {
  const verdict = await verifier.verify(await boundCall(await bound(), holder, clock), () => ({
    scope: 'ledger:write',
  }))
  if (verdict.ok) throw new Error('it was permitted')
  expect(verdict.response().headers.get('www-authenticate')).toContain('scope="ledger:write"')
})

test('who leaves out a bounded argument is told to state it', async () => {
  const constraints = [{ key: 'amount', max: 100 }]
  const authorization_details = [{ type: 'agent_delegation', constraints }] as never
  const token = await issuer.token({ ...(await issuer.boundTo(holder)), authorization_details })
  const verdict = await verifier.verify(await boundCall(token, holder, clock), {})
  if (verdict.ok) throw new Error('it was permitted')
  expect(await verdict.response().json()).toMatchObject({
    code: 'ceiling_exceeded',
    detail: expect.stringContaining('amount'),
    hint: expect.stringContaining('State every argument that is bounded'),
  })
})

test('a scope that was not set is a scope that nobody has', async () => {
  for (const scope of ['', ' ', 'ledger:read ', 'ledger:read  ledger:read', ['']]) {
    expect([scope, ...(await call(await bound(), { scope }))]).toEqual([scope, 403, 'insufficient_scope'])
    expect([scope, ...(await call(await bound(), () => ({ scope })))]).toEqual([scope, 403, 'insufficient_scope'])
  }
  expect(await call(await bound(), { scope: [] })).toEqual([200, 'permitted'])
})
