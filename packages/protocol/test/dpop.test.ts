import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashText } from '../src/digest.ts'
import { createDpopProof, type ProofExpectations, readDpopHeader, verifyDpopProof } from '../src/dpop.ts'
import type { JsonObject } from '../src/json.ts'
import { type Algorithm, generateSigningKey, thumbprint } from '../src/keys.ts'
import { refuse } from '../src/refusals.ts'
import { forge, forgeHmac } from './forge.ts'
import { outcome } from './outcome.ts'

const now = 1_790_000_000
const url = 'https://api.example/v1/pay'
const key = await generateSigningKey('ES256', { extractable: true })
const { kid: _kid, alg: _alg, use: _use, ...jwk } = key.publicJwk
const header = { typ: 'dpop+jwt', alg: 'ES256', jwk }
const good = { jti: 'j1', htm: 'POST', htu: url, iat: now }
const expected: ProofExpectations = { method: 'POST', url, now }

const verify = (proof: string, more: Partial<ProofExpectations> = {}) =>
  outcome(() => verifyDpopProof(proof, { ...expected, ...more }))
const withClaims = (change: object) => forge(key, header, { ...good, ...change })
const withHeader = (change: object) => forge(key, { ...header, ...change }, good)

describe.each(['ES256', 'EdDSA', 'RS256'] as Algorithm[])('with %s', (alg) => {
  test('a proof is accepted, once for each of its parts, and says which key made it', async () => {
    const own = await generateSigningKey(alg)
    const proof = await createDpopProof(own, {
      method: 'GET',
      url: `${url}?a=1#b`,
      now,
      accessToken: 'token',
      nonce: 'n',
    })
    const parts = { method: 'GET', accessToken: 'token' }
    const { key: proven, ...verified } = await verifyDpopProof(proof, { ...expected, ...parts })
    expect(verified).toEqual({
      jkt: await thumbprint(own.publicJwk),
      jti: expect.stringMatching(/^[\w-]{22}$/),
      iat: now,
      expiresAt: now + 61,
    })
    expect(proven.kid).toBe(verified.jkt)
    expect(await verify(proof, { ...parts, method: 'POST' })).toBe('proof_method_mismatch')
    expect(await verify(proof, { ...parts, url: 'https://api.example/v1' })).toBe('proof_target_mismatch')
    expect(await verify(proof, { ...parts, accessToken: 'other' })).toBe('proof_token_mismatch')
    expect(await verify(proof, { ...parts, now: now + 61 })).toBe('proof_stale')
  })
})

test('a made proof holds what RFC 9449 section 4.2 asks for and nothing of the private key', async () => {
  const [head = '', payload = ''] = (await createDpopProof(key, { method: 'POST', url, now })).split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  expect(read(head)).toEqual(header)
  expect(read(payload)).toEqual({ ...good, jti: expect.any(String) })
})

describe('A36: bound to one request', () => {
  test.each(['post', 'POST ', 'GET', '', undefined, null, ['POST']])('htm %j is not POST', async (htm) => {
    expect(await verify(await withClaims({ htm }))).toMatch(/^proof_(method_mismatch|invalid)$/)
  })

  test.each([
    'https://api.example/v1/pay?x=1',
    'https://api.example/v1/pay#x',
    'HTTPS://API.EXAMPLE:443/v1/p%61y',
    'https://api.example/v1/x/../pay',
  ])('htu %s is the same target', async (htu) => {
    expect(await verify(await withClaims({ htu }))).toBe('accepted')
    expect(await verify(await withClaims({}), { url: htu })).toBe('accepted')
  })

  test.each([
    'https://api.example/v1/pay/',
    'https://api.example/v1/PAY',
    'https://api.example/v1/payroll-attacker',
    'https://api.example:8443/v1/pay',
    'http://api.example/v1/pay',
    'https://evil.example/v1/pay',
    'https://api.example@evil.example/v1/pay',
    'https://evil.example\\@api.example/v1/pay',
    'https://evil.example/v1/pay?https://api.example/v1/pay',
    'https://api.example/v1%2Fpay',
    '/v1/pay',
    'api.example/v1/pay',
    '',
  ])('htu %s is another target', async (htu) => {
    expect(await verify(await withClaims({ htu }))).toBe('proof_target_mismatch')
  })

  test('a target that is no text is no target', async () => {
    for (const htu of [undefined, null, 7, [url], { url }]) {
      expect(await verify(await withClaims({ htu }))).toBe('proof_invalid')
    }
  })

  test('and to one token', async () => {
    const ath = await hashText('token')
    expect(await verify(await withClaims({ ath }), { accessToken: 'token' })).toBe('accepted')
    for (const wrong of [
      undefined,
      null,
      '',
      `${ath}=`,
      [ath],
      await hashText('other'),
      'token',
      await hashText('DPoP token'),
    ]) {
      expect(await verify(await withClaims({ ath: wrong }), { accessToken: 'token' })).toBe('proof_token_mismatch')
    }
  })
})

describe('A36, A39: made just now', () => {
  test.each([
    [{ iat: now - 60 }, 'accepted'],
    [{ iat: now - 61 }, 'proof_stale'],
    [{ iat: now + 5 }, 'accepted'],
    [{ iat: now + 6 }, 'proof_stale'],
    [{ iat: now + 86_400 }, 'proof_stale'],
    [{ iat: undefined }, 'proof_invalid'],
    [{ iat: `${now}` }, 'proof_invalid'],
    [{ iat: now + 0.5 }, 'proof_invalid'],
    [{ iat: -1 }, 'proof_invalid'],
    [{ iat: null }, 'proof_invalid'],
    [{ exp: now + 1 }, 'accepted'],
    [{ exp: now }, 'proof_stale'],
    [{ exp: 'x' }, 'proof_invalid'],
    [{ nbf: now + 5 }, 'accepted'],
    [{ nbf: now + 6 }, 'proof_stale'],
    [{ nbf: '0' }, 'proof_invalid'],
  ])('%j: %s', async (change, code) => {
    expect(await verify(await withClaims(change))).toBe(code)
  })

  test('a proof that is accepted is remembered for as long as it could be accepted again', async () => {
    const span = fc.integer({ min: 1, max: 300 })
    await fc.assert(
      fc.asyncProperty(span, span, fc.integer({ min: -400, max: 400 }), async (maxAgeSeconds, futureSeconds, age) => {
        const proof = await withClaims({ iat: now - age })
        const verified = await verifyDpopProof(proof, { ...expected, maxAgeSeconds, futureSeconds }).catch(
          () => undefined,
        )
        expect(verified !== undefined).toBe(age <= maxAgeSeconds && age >= -futureSeconds)
        if (!verified) return
        expect(await verify(proof, { maxAgeSeconds, futureSeconds, now: verified.expiresAt })).toBe('proof_stale')
      }),
    )
  })

  test('a nonce is asked for whenever one is demanded', async () => {
    const nonce = (given: string | undefined) => {
      if (given !== 'fresh') refuse('nonce_required')
    }
    expect(await verify(await withClaims({ nonce: 'fresh' }), { nonce })).toBe('accepted')
    expect(await verify(await withClaims({ nonce: 'stale' }), { nonce })).toBe('nonce_required')
    expect(await verify(await withClaims({}), { nonce })).toBe('nonce_required')
    expect(await verify(await withClaims({ nonce: ['fresh'] }), { nonce })).toBe('proof_invalid')
    expect(await verify(await withClaims({ nonce: 'unasked' }))).toBe('accepted')
  })
})

test.each([undefined, '', 7, ['j'], null, 'x'.repeat(257)])('jti %j names nothing', async (jti) => {
  expect(await verify(await withClaims({ jti }))).toBe('proof_invalid')
})

describe('A37: one key, public, asymmetric', () => {
  const privateJwk = key.privateJwk as JsonObject
  test.each([
    ['no key', { jwk: undefined }],
    ['a private key', { jwk: { ...jwk, d: privateJwk.d } }],
    ['a symmetric key', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['a list', { jwk: [jwk] }],
    ['text', { jwk: JSON.stringify(jwk) }],
    ['null', { jwk: null }],
    ['a point off the curve', { jwk: { ...jwk, x: jwk.y } }],
    ['an unknown curve', { jwk: { ...jwk, crv: 'secp256k1' } }],
    ['a key for encryption', { jwk: { ...jwk, use: 'enc' } }],
    ['a key of another algorithm', { jwk: { ...jwk, alg: 'RS256' } }],
    ['alg none', { alg: 'none' }],
    ['alg HS256', { alg: 'HS256' }],
    ['alg of another key', { alg: 'EdDSA' }],
    ['another type', { typ: 'JWT' }],
    ['the type in capitals', { typ: 'DPOP+JWT' }],
    ['no type', { typ: undefined }],
    ['an access token', { typ: 'at+jwt' }],
    ['crit', { crit: ['jwk'] }],
  ])('%s is refused', async (_, change) => {
    expect(await verify(await withHeader({}))).toBe('accepted')
    expect(await verify(await withHeader(change))).toBe('proof_invalid')
  })

  test('a signature by another key than the one inside is refused', async () => {
    const other = await generateSigningKey('ES256')
    expect(await verify(await forge(other, header, good))).toBe('proof_invalid')
    expect(await verify(await forgeHmac(JSON.stringify(jwk), { ...header, alg: 'HS256' }, good))).toBe('proof_invalid')
    const small = { kty: 'OKP', crv: 'Ed25519', x: 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }
    expect(await verify(await forge(other, { ...header, alg: 'EdDSA', jwk: small }, good))).toBe('proof_invalid')
  })

  test('an RSA key without alg is bound to RS256 and nothing else', async () => {
    const rsa = await generateSigningKey('RS256')
    const { kty, n, e } = rsa.publicJwk as { kty: string; n: string; e: string }
    const made = (alg: string, more: object = {}) =>
      forge(rsa, { typ: 'dpop+jwt', alg, jwk: { kty, n, e, ...more } }, good)
    expect(await verify(await made('RS256'))).toBe('accepted')
    expect(await verify(await made('PS256'))).toBe('proof_invalid')
    expect(await verify(await made('RS512'))).toBe('proof_invalid')
    expect(await verify(await made('RS256', { alg: 'PS256' }))).toBe('proof_invalid')
  })

  test('a name given to the key inside does not change whose proof it is', async () => {
    const { jkt } = await verifyDpopProof(await withHeader({ jwk: { ...jwk, kid: 'somebody-else' } }), expected)
    expect(jkt).toBe(await thumbprint(jwk))
  })

  test('a key once accepted is not taken for another, however many come in between', async () => {
    const first = await withClaims({ jti: 'a' })
    for (let count = 0; count < 30; count++) {
      const other = await generateSigningKey('ES256')
      const proof = await createDpopProof(other, { method: 'POST', url, now })
      expect((await verifyDpopProof(proof, expected)).jkt).toBe(other.kid)
      expect((await verifyDpopProof(first, expected)).jkt).toBe(key.kid)
    }
  })
})

describe('the header field', () => {
  const headers = (...values: string[]) => {
    const made = new Headers()
    for (const value of values) made.append('DPoP', value)
    return made
  }

  test('holds one proof, or is not there', async () => {
    expect(readDpopHeader(new Headers())).toBeUndefined()
    expect(readDpopHeader(headers('a.b.c'))).toBe('a.b.c')
  })

  test.each([[['a.b.c', 'a.b.c']], [['a.b.c,d.e.f']], [['a.b.c, d.e.f']], [['a.b.c', '']], [['']], [[',']]])(
    'is refused when there are several, or none inside: %j',
    async (values) => {
      expect(await outcome(() => readDpopHeader(headers(...values)))).toBe('proof_invalid')
    },
  )
})

test.each(['', 'x', 'a.b.c', 'a.b.c,d.e.f', 'A'.repeat(9000)])(
  'what is no signed JWT is refused: %#',
  async (proof) => {
    expect(await verify(proof)).toBe('proof_invalid')
  },
)
