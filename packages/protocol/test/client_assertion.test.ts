import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AssertionExpectations, signClientAssertion, verifyClientAssertion } from '../src/client_assertion.ts'
import { generateSigningKey, importPublicKey } from '../src/keys.ts'
import { isRefusal } from '../src/refusals.ts'
import { forge } from './forge.ts'
import { outcome } from './outcome.ts'

const key = await generateSigningKey('EdDSA')
const publicKey = await importPublicKey(key.publicJwk)
const clientId = 'spiffe://acme.id.example/agent/bot'
const issuer = 'https://id.example/o/acme'
const now = 1_790_000_000
const expected: AssertionExpectations = {
  issuer,
  now,
  keyOf: async (client, kid) => (client === clientId && kid === key.kid ? publicKey : undefined),
}
const header = { typ: 'client-authentication+jwt', alg: 'EdDSA', kid: key.kid }
const good = { iss: clientId, sub: clientId, aud: issuer, jti: 'j1', iat: now, exp: now + 60 }

const verify = (assertion: string, more: Partial<AssertionExpectations> = {}) =>
  outcome(() => verifyClientAssertion(assertion, { ...expected, ...more }))
const withClaims = (change: object) => forge(key, header, { ...good, ...change })

test('a signed assertion is accepted and says who, with which key, and until when its id must be remembered', async () => {
  const assertion = await signClientAssertion(key, { clientId, issuer, now })
  const verified = await verifyClientAssertion(assertion, expected)
  expect(verified).toEqual({ clientId, kid: key.kid, jti: expect.stringMatching(/^[\w-]{22}$/), expiresAt: now + 60 })
  const again = await verifyClientAssertion(await signClientAssertion(key, { clientId, issuer, now }), expected)
  expect(again.jti).not.toBe(verified.jti)
})

test.each(['client-authentication+jwt', 'JWT', undefined])('typ %j is accepted', async (typ) => {
  expect(await verify(await forge(key, { ...header, typ }, good))).toBe('accepted')
})

test.each(['at+jwt', 'dpop+jwt', 'delegation+jwt', 'jwt', '', 'client-authentication+jwt '])(
  'typ %j is not an assertion',
  async (typ) => {
    expect(await verify(await forge(key, { ...header, typ }, good))).toBe('assertion_invalid')
  },
)

describe('A31: the audience is the issuer alone', () => {
  test('as a string, or as a list of one', async () => {
    expect(await verify(await withClaims({ aud: issuer }))).toBe('accepted')
    expect(await verify(await withClaims({ aud: [issuer] }))).toBe('accepted')
  })

  test.each([
    `${issuer}/token`,
    `${issuer}/`,
    'https://id.example',
    'https://ID.example/o/acme',
    'https://id.example:443/o/acme',
    'https://other.example',
    [issuer, 'https://other.example'],
    ['https://other.example', issuer],
    [issuer, issuer],
    [[issuer]],
    [],
    '',
    null,
    undefined,
    {},
    { 0: issuer, length: 1 },
  ])('refused: %j', async (aud) => {
    expect(await verify(await withClaims({ aud }))).toBe('assertion_audience')
  })
})

describe('A33: lifetime and id are bounded', () => {
  test.each([
    [{ exp: now + 300 }, 'accepted'],
    [{ exp: now + 301 }, 'assertion_lifetime'],
    [{ exp: now + 86_400 * 3650 }, 'assertion_lifetime'],
    [{ exp: now + 305, iat: undefined }, 'accepted'],
    [{ exp: now + 306, iat: undefined }, 'assertion_lifetime'],
    [{ exp: now + 60, iat: now - 241 }, 'assertion_lifetime'],
    [{ exp: now - 4, iat: now - 60 }, 'accepted'],
    [{ exp: now - 5, iat: now - 60 }, 'assertion_lifetime'],
    [{ iat: now + 5 }, 'accepted'],
    [{ iat: now + 6 }, 'assertion_lifetime'],
    [{ nbf: now + 6 }, 'assertion_lifetime'],
    [{ nbf: now + 5 }, 'accepted'],
    [{ exp: undefined }, 'assertion_invalid'],
    [{ exp: `${now + 60}` }, 'assertion_invalid'],
    [{ exp: now + 60.5 }, 'assertion_invalid'],
    [{ exp: -1 }, 'assertion_invalid'],
    [{ exp: null }, 'assertion_invalid'],
    [{ iat: 'x' }, 'assertion_invalid'],
    [{ nbf: [now] }, 'assertion_invalid'],
    [{ jti: 'x'.repeat(256) }, 'accepted'],
    [{ jti: 'x'.repeat(257) }, 'assertion_invalid'],
    [{ jti: 'é'.repeat(128) }, 'accepted'],
    [{ jti: 'é'.repeat(129) }, 'assertion_invalid'],
    [{ jti: '' }, 'assertion_invalid'],
    [{ jti: undefined }, 'assertion_invalid'],
    [{ jti: 7 }, 'assertion_invalid'],
    [{ jti: ['x'] }, 'assertion_invalid'],
  ])('%j: %s', async (change, code) => {
    expect(await verify(await withClaims(change))).toBe(code)
  })

  test('whatever the times, an accepted assertion is alive and its id need not be kept for more than six minutes', async () => {
    const time = fc.integer({ min: now - 700, max: now + 700 })
    await fc.assert(
      fc.asyncProperty(time, time, fc.boolean(), async (iat, exp, states) => {
        const result = await outcome(async () => {
          const { expiresAt } = await verifyClientAssertion(
            await withClaims({ exp, iat: states ? iat : undefined }),
            expected,
          )
          expect(expiresAt).toBeGreaterThan(now - 5)
          expect(expiresAt).toBeLessThanOrEqual(now + 305)
        })
        const lifetime = states ? exp - iat <= 300 && iat <= now + 5 : true
        expect(result === 'accepted').toBe(lifetime && now < exp + 5 && exp <= now + 305)
      }),
    )
  })
})

test.each([
  [{ iss: 'other' }, 'assertion_invalid'],
  [{ sub: 'other' }, 'assertion_invalid'],
  [{ iss: undefined }, 'assertion_invalid'],
  [{ sub: undefined }, 'assertion_invalid'],
  [{ iss: undefined, sub: undefined }, 'assertion_invalid'],
  [{ iss: '', sub: '' }, 'assertion_invalid'],
  [{ iss: [clientId], sub: [clientId] }, 'assertion_invalid'],
  [{ iss: 'x'.repeat(2049), sub: 'x'.repeat(2049) }, 'assertion_invalid'],
])('issuer and subject are both the client: %j', async (change, code) => {
  expect(await verify(await withClaims(change))).toBe(code)
})

describe('who it is', () => {
  test('an unknown client, an unknown key and a wrong signature answer alike, and differ in private', async () => {
    const thief = await generateSigningKey('EdDSA', { kid: key.kid })
    const cases = {
      client: await withClaims({ iss: 'nobody', sub: 'nobody' }),
      key: await forge(key, { ...header, kid: 'another' }, good),
      signature: await forge(thief, header, good),
      algorithm: await forge(key, { ...header, alg: 'ES256' }, good),
      none: `${(await forge(key, { ...header, alg: 'none' }, good)).replace(/[^.]*$/, '')}`,
    }
    const shown = new Set<string>()
    const causes: unknown[] = []
    for (const assertion of Object.values(cases)) {
      await verifyClientAssertion(assertion, expected).catch((error) => {
        shown.add(JSON.stringify(error))
        causes.push(isRefusal(error.cause) && error.cause.code)
      })
    }
    expect([...shown]).toHaveLength(1)
    expect([...shown][0]).toContain('client_authentication_failed')
    expect(causes).toEqual([
      'key_unknown',
      'key_unknown',
      'signature_invalid',
      'algorithm_not_allowed',
      'algorithm_not_allowed',
    ])
  })

  test('a key is asked for by client and key id, and only for a well-formed assertion', async () => {
    const asked: string[] = []
    const keyOf = async (client: string, kid: string) => {
      asked.push(`${client} ${kid}`)
      return publicKey
    }
    expect(await verify(await withClaims({}), { keyOf })).toBe('accepted')
    expect(await verify(await withClaims({ aud: 'x' }), { keyOf })).toBe('assertion_audience')
    expect(await verify(await forge(key, { ...header, kid: undefined }, good), { keyOf })).toBe('assertion_invalid')
    expect(asked).toEqual([`${clientId} ${key.kid}`])
  })

  test("a key record that cannot verify is a fault of ours, never the client's", async () => {
    const { key: wrong } = await importPublicKey((await generateSigningKey('ES256')).publicJwk)
    const broken = verifyClientAssertion(await withClaims({}), {
      ...expected,
      keyOf: async () => ({ ...publicKey, key: wrong }),
    })
    await expect(broken).rejects.toSatisfy((error) => !isRefusal(error))
  })

  test('a store that fails is not taken for an unknown client', async () => {
    const broken = verifyClientAssertion(await withClaims({}), {
      ...expected,
      keyOf: () => Promise.reject(new Error('down')),
    })
    await expect(broken).rejects.toThrow('down')
  })
})

test.each(['', 'x', 'a.b.c', '{}', 'A'.repeat(8193), 'e30.e30.', 'eyJhbGciOiJub25lIiwiY3JpdCI6WyJ4Il19.e30.'])(
  'what is no signed JWT is refused: %#',
  async (assertion) => {
    expect(await verify(assertion)).toBe('assertion_invalid')
  },
)

test('a member twice is refused, whichever one is honest', async () => {
  const text = JSON.stringify(good)
  expect(await verify(await forge(key, header, `${text.slice(0, -1)},"aud":"https://other.example"}`))).toBe(
    'assertion_invalid',
  )
  expect(await verify(await forge(key, header, `${text.slice(0, -1)},"\\u0073ub":"${clientId}"}`))).toBe(
    'assertion_invalid',
  )
})
