import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CredentialKind } from './credential_policy.ts'
import { type Held, unusable, usableUntil } from './usable.ts'

const kinds: CredentialKind[] = ['public_key', 'client_secret', 'api_key']
const time = fc.integer({ min: 0, max: 20 })
const early = fc.integer({ min: 0, max: 5 })
const mostly = fc.constantFrom(true, true, true, false)

const credential = fc.record({
  kind: fc.constantFrom(...kinds),
  createdAtMs: time.map((at) => at * 1000),
  notBefore: early,
})
const ends = fc.oneof(fc.constant({}), fc.record({ expiresAt: time }), fc.record({ expiresAt: time, endedAtMs: time }))
const policy = fc.record(
  { kinds: fc.subarray(kinds, { minLength: 1 }), maxLifetimeSeconds: time },
  { requiredKeys: ['kinds'] },
)
const instance = fc.record({ agent: fc.constantFrom('agt_a', 'agt_a', 'agt_b'), alive: mostly, expiresAt: time })

const held: fc.Arbitrary<Held> = fc
  .record({ active: mostly, policy: fc.option(policy), credential, ends, instance: fc.option(instance) })
  .map(({ active, policy, credential, ends, instance }) => ({
    active,
    ...(policy && { policy }),
    credential: { id: 'crd_a', holder: 'agt_a', ...credential, ...ends, ...(instance && { instance: 'ins_a' }) },
    ...(instance && { instance: { id: 'ins_a', spiffeId: '', version: '1', createdAtMs: 0, epoch: 0, ...instance } }),
  }))

test('what may be used now ends in the future, and is not used after that', () => {
  let usable = 0
  fc.assert(
    fc.property(held, time, fc.nat(20), (one, now, further) => {
      const until = usableUntil(one)
      if (unusable(one, now) === undefined) {
        usable++
        expect(until).toBeGreaterThan(now)
      }
      expect(unusable(one, until + further)).toBeDefined()
    }),
    { numRuns: 5_000 },
  )
  expect(usable).toBeGreaterThan(100)
})

test('each reason has its code, and a person has no policy', () => {
  const credential = { id: 'crd_a', holder: 'agt_a', kind: 'public_key', createdAtMs: 0, notBefore: 0 } as const
  const policy = { kinds: [...kinds] }
  expect(unusable({ active: true, credential }, 9)).toBeUndefined()
  expect(usableUntil({ active: true, credential })).toBe(Number.POSITIVE_INFINITY)
  expect(unusable({ active: false, credential, policy }, 9)).toBe('agent_not_active')
  expect(unusable({ active: true, credential: { ...credential, endedAtMs: 1 }, policy }, 9)).toBe('credential_expired')
  expect(unusable({ active: true, credential: { ...credential, notBefore: 10 }, policy }, 9)).toBe('credential_expired')
  expect(unusable({ active: true, credential, policy: { kinds: ['api_key'] } }, 9)).toBe('credential_kind_refused')
  const short = { ...policy, maxLifetimeSeconds: 9 }
  expect(unusable({ active: true, credential, policy: short }, 8)).toBeUndefined()
  expect(unusable({ active: true, credential, policy: short }, 9)).toBe('credential_expired')
  expect(unusable({ active: true, credential: { ...credential, instance: 'ins_a' } }, 9)).toBe('instance_expired')
})
