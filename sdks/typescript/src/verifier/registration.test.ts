import { generateSigningKey } from '@credence/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bearerCall, boundCall, target } from '../../test/calls.ts'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock, moment, until } from '../../test/manual_clock.ts'
import { createVerifier, type Expected, type Verifier, type VerifierOptions } from '../verify.ts'

let clock: ManualClock
let issuer: FakeIssuer
let verifier: Verifier

async function start(own: Partial<VerifierOptions> = {}): Promise<void> {
  const issuers = [{ issuer: issuer.issuer, operator: await issuer.operator() }]
  verifier = createVerifier({ resource: issuer.resource, issuers, ...issuer.runtime, ...own })
}

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
})
afterEach(() => verifier.stop())

async function bearer(expected: Expected = { scope: 'ledger:read' }, scope = 'ledger:read'): Promise<string> {
  const verdict = await verifier.verify(bearerCall(await issuer.token({ scope })), expected)
  return verdict.ok ? 'permitted' : verdict.refusal.code
}

test('whether calls prove their key is as registered, and itself a service can only demand it', async () => {
  const cases = [
    ['optional', undefined, 'permitted', 'Bearer'],
    ['optional', 'optional', 'permitted', 'Bearer'],
    ['optional', 'required', 'proof_missing', 'DPoP'],
    ['required', undefined, 'proof_missing', 'DPoP'],
    ['required', 'optional', 'proof_missing', 'DPoP'],
  ] as const
  for (const [registered, proof, becomes, challenge] of cases) {
    issuer.proofMode = registered
    await start({ ...(proof && { proof }) })
    await verifier.ready()
    expect(await bearer(), `${registered}, itself ${proof}`).toBe(becomes)
    const verdict = await verifier.verify(new Request(target))
    if (verdict.ok) throw new Error('it was permitted')
    expect(verdict.response().headers.get('www-authenticate')).toMatch(new RegExp(`^${challenge}`))
    await verifier.stop()
  }
  await start()
})

test('tools are those registered, with the scopes they were registered with', async () => {
  issuer.tools = [{ name: 'transfer', scope: 'ledger:write' }]
  await start()
  await verifier.ready()
  expect(await bearer({ tool: 'transfer' }, 'ledger:write')).toBe('permitted')
  expect(await bearer({ tool: 'transfer' })).toBe('tool_not_granted')
  expect(await bearer({ tool: 'statement' })).toBe('tool_unknown')
})

test('a service can leave tools out and ask for more, and adds none', async () => {
  await start({ tools: { transfer: 'payments:send', made_up: 'ledger:read' } })
  await verifier.ready()
  expect(await bearer({ tool: 'made_up' })).toBe('tool_unknown')
  expect(await bearer({ tool: 'statement' })).toBe('tool_unknown')
  expect(await bearer({ tool: 'transfer' }, 'ledger:write')).toBe('tool_not_granted')
  expect(await bearer({ tool: 'transfer' }, 'payments:send')).toBe('tool_not_granted')
  expect(await bearer({ tool: 'transfer' }, 'ledger:write payments:send')).toBe('permitted')
  const verdict = await verifier.verify(bearerCall(await issuer.token()), { tool: 'transfer' })
  if (verdict.ok) throw new Error('it was permitted')
  expect(verdict.response().headers.get('www-authenticate')).toContain('scope="ledger:write payments:send"')
})

test('nothing passes before the resource is known', async () => {
  const { resource } = issuer
  issuer.resource = 'https://api.example/another'
  await start({ resource })
  await moment()
  await clock.advance(1_000)
  expect(await bearer()).toBe('not_ready')
  expect(verifier.state().issuers[issuer.issuer]?.lastRefusal).toBe('authority_answer_invalid')
  issuer.resource = resource
  for (let turn = 0; turn < 100 && !verifier.state().ready; turn++) await clock.advance(250)
  expect(await bearer()).toBe('permitted')
})

test('a change is followed at the next connection; where it cannot be read, what was known holds', async () => {
  await start()
  await verifier.ready()
  expect(await bearer()).toBe('permitted')
  const again = async () => {
    const connections = issuer.count('/revocations/stream')
    for (const stream of issuer.streams) stream.end()
    await clock.advance(1_000)
    await until(() => issuer.count('/revocations/stream') > connections)
    await moment()
    const reads = issuer.count('/v1/resources')
    // Some seconds later, so that those who came back together do not all ask together.
    while (issuer.count('/v1/resources') === reads) {
      await clock.advance(1_000)
      await issuer.heartbeat()
    }
    await moment()
  }
  issuer.proofMode = 'unheard of'
  await again()
  expect(await bearer()).toBe('permitted')
  expect(verifier.state().ready).toBe(true)
  issuer.proofMode = 'required'
  await again()
  await expect.poll(() => bearer()).toBe('proof_missing')
  const holder = await generateSigningKey('ES256')
  await clock.advance(7_000)
  await issuer.heartbeat()
  const token = await issuer.token(await issuer.boundTo(holder))
  expect((await verifier.verify(await boundCall(token, holder, clock), { scope: 'ledger:read' })).ok).toBe(true)
})
