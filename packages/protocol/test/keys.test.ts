import { inspect } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../src/base64url.ts'
import type { JsonObject, JsonValue } from '../src/json.ts'
import { type Algorithm, generateSigningKey, importPublicKey, importSigningKey, thumbprint } from '../src/keys.ts'
import { outcome } from './outcome.ts'

const algorithms: Algorithm[] = ['ES256', 'EdDSA', 'RS256']
const keys = {
  ES256: await generateSigningKey('ES256', { extractable: true }),
  EdDSA: await generateSigningKey('EdDSA', { extractable: true }),
  RS256: await generateSigningKey('RS256', { extractable: true }),
}
const message = new TextEncoder().encode('message')

/** The public JWK with some members replaced; undefined takes one away. */
function changed(alg: Algorithm, change: { [name: string]: JsonValue | undefined }): JsonObject {
  const entries = Object.entries({ ...keys[alg].publicJwk, ...change })
  return Object.fromEntries(entries.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
}

describe.each(algorithms)('%s', (alg) => {
  const key = keys[alg]

  test('a key comes back from its private JWK with the same name and signs what its public key verifies', async () => {
    const again = await importSigningKey(key.privateJwk ?? {})
    expect(again.kid).toBe(key.kid)
    expect(again.publicJwk).toEqual(key.publicJwk)
    const { key: publicKey, ...rest } = await importPublicKey(again.publicJwk)
    expect(rest).toEqual({ kid: key.kid, alg, jwk: key.publicJwk })
    const signature = Uint8Array.from(await again.sign(message))
    const use = { ES256: { name: 'ECDSA', hash: 'SHA-256' }, EdDSA: 'Ed25519', RS256: 'RSASSA-PKCS1-v1_5' }[alg]
    expect(await crypto.subtle.verify(use, publicKey, signature, message)).toBe(true)
  })

  test('is named by its RFC 7638 thumbprint, which its other members do not change', async () => {
    expect(key.kid).toBe(await calculateJwkThumbprint(key.publicJwk as JWK))
    expect(key.kid).toBe(await thumbprint(key.publicJwk))
    expect(await thumbprint(changed(alg, { kid: 'other', use: undefined, alg: undefined }))).toBe(key.kid)
    expect((await importPublicKey(changed(alg, { kid: undefined }))).kid).toBe(key.kid)
    expect((await importPublicKey(changed(alg, { kid: 'own' }))).kid).toBe('own')
    expect((await importPublicKey(key.publicJwk, 'given')).kid).toBe('given')
  })

  test('its private half does not show', async () => {
    const secret = String(key.privateJwk?.d)
    expect(secret.length).toBeGreaterThan(40)
    for (const shown of [JSON.stringify(key), inspect(key, { depth: 9 }), JSON.stringify({ ...key }), String(key)]) {
      expect(shown).not.toContain(secret)
      expect(shown).not.toContain('privateJwk')
    }
    expect((await generateSigningKey(alg)).privateJwk).toBeUndefined()
  })

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'with the private member %s it is no public key',
    async (name) => {
      expect(await outcome(() => importPublicKey(changed(alg, { [name]: 'AQ' })))).toBe('key_unusable')
    },
  )

  // A03: what a key is for is settled when it is imported.
  test.each(['none', 'None', '', 'HS256', 'RS384', 'PS256', 'ES512', 'Ed448', 'es256', null, ['ES256'], 256])(
    'with alg %j it is unusable',
    async (stated) => {
      expect(await outcome(() => importPublicKey(changed(alg, { alg: stated })))).toBe('key_unusable')
    },
  )

  test('with the algorithm of another key type it is unusable', async () => {
    for (const other of algorithms.filter((each) => each !== alg)) {
      expect(await outcome(() => importPublicKey(changed(alg, { alg: other })))).toBe('key_unusable')
    }
  })

  test.each([
    { use: 'enc' },
    { use: 'SIG' },
    { use: null },
    { use: ['sig'] },
    { key_ops: [] },
    { key_ops: ['sign'] },
    { key_ops: ['verify', 'encrypt'] },
    { key_ops: ['verify', 'verify'] },
    { key_ops: 'verify' },
    { use: 'enc', key_ops: ['verify'] },
    { use: 'sig', key_ops: ['encrypt'] },
    { kty: 'oct' },
    { kty: 'EC ' },
    { kty: undefined },
    { kid: '' },
    { kid: 'x'.repeat(257) },
    { kid: ['x'] },
  ] as Array<{ [name: string]: JsonValue | undefined }>)('with %j it is unusable', async (change) => {
    expect(await outcome(() => importPublicKey(changed(alg, change)))).toBe('key_unusable')
  })

  test('members that are not known do no harm and are not kept', async () => {
    const { jwk } = await importPublicKey(
      changed(alg, { x5u: 'http://169.254.169.254/', x5c: ['AA'], ext: true, key_ops: ['verify'] }),
    )
    expect(jwk).toEqual(key.publicJwk)
  })
})

test('an RSA key must name its algorithm; the others have only one', async () => {
  expect(await outcome(() => importPublicKey(changed('RS256', { alg: undefined })))).toBe('key_unusable')
  expect((await importPublicKey(changed('ES256', { alg: undefined }))).alg).toBe('ES256')
  expect((await importPublicKey(changed('EdDSA', { alg: undefined }))).alg).toBe('EdDSA')
})

describe('key material that makes no key', () => {
  const x = String(keys.ES256.publicJwk.x)

  test.each([
    ['a point that is not on the curve', 'ES256', { x: encode(new Uint8Array(32).fill(1)) }],
    ['the origin', 'ES256', { x: encode(new Uint8Array(32)), y: encode(new Uint8Array(32)) }],
    ['a coordinate with a zero before it', 'ES256', { x: encode(Uint8Array.from([0, ...decode(x)])) }],
    ['a short coordinate', 'ES256', { x: encode(decode(x).slice(0, 31)) }],
    ['padding', 'ES256', { x: `${x}=` }],
    ['other trailing bits', 'ES256', { x: `${x.slice(0, -1)}_` }],
    ['no y', 'ES256', { y: undefined }],
    ['another curve', 'ES256', { crv: 'P-384' }],
    ['a curve spelled otherwise', 'ES256', { crv: 'p-256' }],
    ['X25519', 'EdDSA', { crv: 'X25519' }],
    ['Ed448', 'EdDSA', { crv: 'Ed448' }],
    ['a short Ed25519 point', 'EdDSA', { x: encode(new Uint8Array(31).fill(9)) }],
    ['an exponent of 1', 'RS256', { e: 'AQ' }],
    ['an exponent of 3', 'RS256', { e: 'Aw' }],
    ['a longer spelling of 65537', 'RS256', { e: 'AAEAAQ' }],
    ['1024 bits', 'RS256', { n: encode(new Uint8Array(128).fill(0xff)) }],
    ['2047 bits', 'RS256', { n: encode(new Uint8Array(256).fill(0x7f)) }],
    ['a zero before the modulus', 'RS256', { n: encode(Uint8Array.from([0, ...new Uint8Array(256).fill(0xff)])) }],
    ['8200 bits', 'RS256', { n: encode(new Uint8Array(1025).fill(0xff)) }],
    ['no modulus', 'RS256', { n: undefined }],
  ] as Array<[string, Algorithm, { [name: string]: JsonValue | undefined }]>)('%s', async (_, alg, change) => {
    expect(await outcome(() => importPublicKey(changed(alg, change)))).toBe('key_unusable')
  })

  // RFC 8725 section 3.4; the points of order 1, 2, 4 and 8, with either sign, and values that are no field elements.
  test.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('the Ed25519 point %s', async (hex) => {
    for (const sign of [0, 0x80]) {
      const point = Uint8Array.from(Buffer.from(hex, 'hex'))
      point[31] = (point[31] ?? 0) | sign
      expect(await outcome(() => importPublicKey({ kty: 'OKP', crv: 'Ed25519', x: encode(point) }))).toBe(
        'key_unusable',
      )
    }
  })
})

test('a symmetric key is no key here, and neither is nothing', async () => {
  for (const jwk of [
    { kty: 'oct', k: 'AAAA' },
    { kty: 'oct', k: 'AAAA', alg: 'HS256' },
    {},
    { kty: 'AKP', pub: 'AA' },
  ]) {
    expect(await outcome(() => importPublicKey(jwk))).toBe('key_unusable')
    expect(await outcome(() => importSigningKey(jwk))).toBe('key_unusable')
    expect(await outcome(() => thumbprint(jwk))).toBe('key_unusable')
  }
  expect(await outcome(() => importSigningKey(keys.ES256.publicJwk))).toBe('key_unusable')
})
