import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../src/identifiers.ts'
import type { JsonObject } from '../src/json.ts'
import { signJws } from '../src/jws.ts'
import { generateSigningKey, importPublicKey, type PublicKey, type SigningKey } from '../src/keys.ts'
import { type Batch, signBatch, verifyBatch } from '../src/revocation/batch.ts'
import { type Fact, RevocationMap } from '../src/revocation/revocation_map.ts'
import { outcome } from './outcome.ts'

const ids = ['agt_a', 'dlg_b', 'task:c', 'constructor', '__proto__']
const fact: fc.Arbitrary<Fact> = fc.record({
  seq: fc.integer({ min: 1, max: 99 }),
  id: fc.constantFrom(...ids),
  epoch: fc.integer({ min: 1, max: 4 }),
  cause: fc.constant('test'),
  at_ms: fc.nat(9),
  forget_after: fc.nat(9),
})

describe('the revocation map', () => {
  test('is the same whatever the order and repetition of its facts', () => {
    const shuffled = fc
      .array(fact, { minLength: 1, maxLength: 12 })
      .chain((facts) =>
        fc.tuple(
          fc.constant(facts),
          fc.array(fc.constantFrom(...facts), { maxLength: 20 }),
          fc.shuffledSubarray(facts, { minLength: facts.length }),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([facts, repeated, order]) => {
        const [one, other] = [new RevocationMap(), new RevocationMap()]
        one.apply(facts)
        for (const single of [...repeated, ...order, ...repeated]) other.apply([single])
        expect(JSON.stringify(other)).toBe(JSON.stringify(one))
      }),
    )
  })

  test('a token is dead when any of its epochs is lower than a fact’s, and stays dead whatever comes after', () => {
    const lineage = fc.array(fc.tuple(fc.constantFrom(...ids, 'org_free'), fc.nat(5)), { maxLength: 5 })
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 8 }), lineage, fc.subarray([...ids]), (facts, entries, implicit) => {
        const map = new RevocationMap()
        let dead = false
        for (const one of facts) {
          map.apply([one])
          const expected =
            facts
              .slice(0, facts.indexOf(one) + 1)
              .some(({ id, epoch }) => entries.some(([of, at]) => of === id && at < epoch)) ||
            facts.slice(0, facts.indexOf(one) + 1).some(({ id }) => implicit.includes(id))
          const found = map.deadBy(entries, implicit)
          expect(found !== undefined).toBe(expected)
          if (found !== undefined) expect([...entries.map(([id]) => id), ...implicit]).toContain(found)
          expect(dead && !expected).toBe(false)
          dead = expected
        }
      }),
      { numRuns: 500 },
    )
  })

  test('an epoch that is no number is dead; an id never heard of lives', () => {
    const map = new RevocationMap()
    map.apply([{ id: 'agt_a', epoch: 1, forget_after: 9 }])
    expect(map.deadBy([['agt_a', Number.NaN]])).toBe('agt_a')
    expect(map.deadBy([['agt_a', undefined as unknown as number]])).toBe('agt_a')
    expect(map.deadBy([['agt_a', 1]])).toBeUndefined()
    expect(map.deadBy([['toString', 0]], ['constructor'])).toBeUndefined()
  })

  test('forgets only what is past, by the longest that any fact about it asked for', () => {
    const map = new RevocationMap()
    map.apply([
      { id: 'a', epoch: 2, forget_after: 100 },
      { id: 'a', epoch: 1, forget_after: 200 },
      { id: 'b', epoch: 1, forget_after: 100 },
    ])
    map.forget(100)
    expect(map.size).toBe(2)
    map.forget(200)
    expect(JSON.stringify(map)).toBe('[{"id":"a","epoch":2,"forget_after":200}]')
    expect(map.deadBy([['a', 1]])).toBe('a')
    map.forget(201)
    expect(map.size).toBe(0)
  })
})

describe('batches', () => {
  const issuer = 'https://id.example.com'
  const org = newId('org')
  let key: SigningKey
  let known: PublicKey
  beforeAll(async () => {
    key = await generateSigningKey('ES256')
    known = await importPublicKey(key.publicJwk, key.kid)
  })
  const keys = (iss: string, kid: string | undefined) => (iss === issuer && kid === known.kid ? known : undefined)
  const facts: Fact[] = [
    { seq: 3, id: 'agt_a', epoch: 1, cause: 'lost', at_ms: 5, forget_after: 9 },
    { seq: 5, id: newId('dlg'), epoch: 1, cause: 'ended', at_ms: 6, forget_after: 9 },
  ]
  const batch: Batch = {
    iss: issuer,
    org,
    incarnation: 1,
    after: 2,
    to: 5,
    head: 7,
    facts,
    at_ms: 1_700_000_000_000,
    nonce: 'n-1',
  }

  const granted = { lease_ms: 10_000, resource: 'https://a.example' }

  test('what is signed verifies to the same; a snapshot of a thousand facts as well', async () => {
    expect(await verifyBatch(await signBatch(key, batch), { keys, issuer, organization: org })).toEqual(batch)
    for (const terms of [{ when_stale: 'introspect' }, { when_stale: 'harmless_reads', harmless_scopes: ['a:*'] }]) {
      const leased = { ...batch, ...granted, ...terms } as Batch
      expect(await verifyBatch(await signBatch(key, leased), { keys, issuer })).toEqual(leased)
    }
    const many = Array.from({ length: 1000 }, (_, place) => ({ ...(facts[0] as Fact), seq: place + 1 }))
    const page = { ...batch, after: 0, to: 1000, head: 1000, facts: many }
    expect((await verifyBatch(await signBatch(key, page), { keys, issuer })).facts).toHaveLength(1000)
  })

  test('another issuer, organization, key, type or signature is refused', async () => {
    const compact = await signBatch(key, batch)
    const stranger = await generateSigningKey('ES256', { kid: key.kid })
    const verify = (text: string, checks = {}) => outcome(() => verifyBatch(text, { keys, issuer, ...checks }))
    expect(await verify(compact, { issuer: 'https://other.example.com' })).toBe('issuer_untrusted')
    expect(await verify(compact, { organization: newId('org') })).toBe('issuer_untrusted')
    expect(await verify(compact, { keys: () => undefined })).toBe('key_unknown')
    expect(await verify(await signBatch(stranger, batch))).toBe('signature_invalid')
    expect(await verify(await signJws(key, { typ: 'at+jwt' }, batch as unknown as JsonObject))).toBe('type_mismatch')
  })

  test.each<[string, object]>([
    ['after beyond to', { after: 6 }],
    ['to beyond head', { head: 4 }],
    ['a fact outside the range', { after: 3 }],
    ['facts out of order', { facts: [...facts].reverse() }],
    ['one seq twice', { facts: [facts[0], facts[0]] }],
    ['epoch zero', { facts: [{ ...facts[0], epoch: 0 }] }],
    ['a fact with a member that is not defined', { facts: [{ ...facts[0], extra: 1 }] }],
    ['incarnation zero', { incarnation: 0 }],
    ['a negative lease', { lease_ms: -1 }],
    ['a member that is not defined', { extra: true }],
    ['facts that are no list', { facts: {} }],
    ['terms without a lease', { when_stale: 'introspect', resource: 'https://a.example' }],
    ['terms without a resource', { when_stale: 'introspect', lease_ms: 1 }],
    ['terms that are none', { ...granted, when_stale: 'go_on' }],
    ['harmless reads that are not named', { ...granted, when_stale: 'harmless_reads' }],
    ['harmless scopes beside another rule', { ...granted, when_stale: 'refuse', harmless_scopes: ['a'] }],
    ['harmless scopes without a rule', { ...granted, harmless_scopes: ['a'] }],
    ['a harmless scope that is none', { ...granted, when_stale: 'harmless_reads', harmless_scopes: ['a b'] }],
  ])('%s is refused, signed or to be signed', async (_, change) => {
    const wrong = { ...batch, ...change } as unknown as Batch
    expect(await outcome(() => signBatch(key, wrong))).toBe('feed_invalid')
    const compact = await signJws(key, { typ: 'revocations+jwt' }, wrong as unknown as JsonObject)
    expect(await outcome(() => verifyBatch(compact, { keys, issuer }))).toBe('feed_invalid')
  })
})
