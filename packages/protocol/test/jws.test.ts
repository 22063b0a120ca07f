import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../src/base64url.ts'
import { hashText, sha256 } from '../src/digest.ts'
import { readJws, readSignedBytes, signJws, verifyJws } from '../src/jws.ts'
import { type Algorithm, generateSigningKey, importPublicKey, type PublicKey, type SigningKey } from '../src/keys.ts'
import { forge, forgeHmac, part } from './forge.ts'
import { outcome } from './outcome.ts'

const algorithms: Algorithm[] = ['ES256', 'EdDSA', 'RS256']
const pairs = new Map<Algorithm, { signing: SigningKey; verifying: PublicKey }>()
for (const alg of algorithms) {
  const signing = await generateSigningKey(alg)
  pairs.set(alg, { signing, verifying: await importPublicKey(signing.publicJwk) })
}
function pair(alg: Algorithm) {
  const found = pairs.get(alg)
  if (!found) throw new Error(alg)
  return found
}

const verify = async (compact: string, key: PublicKey) => verifyJws(readJws(compact), key)

describe.each(algorithms)('%s', (alg) => {
  const { signing, verifying } = pair(alg)

  test('what is signed verifies, and any one changed character does not', async () => {
    const compact = await signJws(signing, { typ: 'x+jwt' }, { b: 1, a: 'é' })
    const jws = readJws(compact)
    expect(jws.header).toEqual({ alg, kid: signing.kid, typ: 'x+jwt' })
    expect(jws.payloadText).toBe('{"a":"é","b":1}')
    expect(await outcome(() => verify(compact, verifying))).toBe('accepted')
    await fc.assert(
      fc.asyncProperty(
        fc.nat(compact.length - 1),
        fc.constantFrom(...'ABCxyz019-_.=+/ '.split('')),
        async (at, character) => {
          const changed = compact.slice(0, at) + character + compact.slice(at + 1)
          if (changed !== compact) expect(await outcome(() => verify(changed, verifying))).not.toBe('accepted')
        },
      ),
      { numRuns: 150 },
    )
  })

  test('any one flipped bit of the signature is refused', async () => {
    const jws = readJws(await signJws(signing, { typ: 'x+jwt' }, { a: 1 }))
    for (let bit = 0; bit < jws.signature.length * 8; bit += 7) {
      const signature = Uint8Array.from(jws.signature)
      signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await outcome(() => verifyJws({ ...jws, signature }, verifying))).toBe('signature_invalid')
    }
  })

  test.each([0, 1, 63, 65, 128, 255, 257])('a signature of %i bytes is refused', async (length) => {
    const jws = readJws(await signJws(signing, { typ: 'x+jwt' }, { a: 1 }))
    for (const signature of [
      new Uint8Array(length),
      Uint8Array.from([...jws.signature, ...new Uint8Array(300)]).slice(0, length),
    ]) {
      if (signature.length === jws.signature.length) continue
      expect(await outcome(() => verifyJws({ ...jws, signature }, verifying))).toBe('signature_invalid')
    }
  })

  // A01: the algorithm is compared byte for byte with that of the key record.
  test('an alg that is not exactly that of the key is refused', async () => {
    const variants = [
      'none',
      'None',
      'nOnE',
      '',
      'none ',
      ' none',
      'none\u0000',
      alg.toLowerCase(),
      `${alg} `,
      ` ${alg}`,
      `${alg}\u0000`,
      'HS256',
      'RS384',
      'ES256K',
      'ES512',
    ]
    for (const stated of [...variants, ...algorithms.filter((each) => each !== alg)]) {
      const signed = await forge(signing, { alg: stated, kid: signing.kid, typ: 'x+jwt' }, { a: 1 })
      expect(await outcome(() => verify(signed, verifying))).toBe('algorithm_not_allowed')
      const unsigned = `${signed.slice(0, signed.lastIndexOf('.'))}.`
      expect(await outcome(() => verify(unsigned, verifying))).toBe('algorithm_not_allowed')
    }
    for (const stated of [undefined, null, 0, true, ['none'], [alg], { alg }]) {
      expect(await outcome(async () => readJws(await forge(signing, { alg: stated, typ: 'x+jwt' }, {})))).toBe(
        'malformed',
      )
    }
  })

  // A02: with the public key, which everybody has, as the secret of an HMAC.
  test('an HMAC made with the public key is refused', async () => {
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', verifying.key))
    const base64 = Buffer.from(spki).toString('base64')
    const pem = `-----BEGIN PUBLIC KEY-----\n${base64.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PUBLIC KEY-----`
    const secrets = [
      pem,
      `${pem}\n`,
      `\n${pem}`,
      ` ${pem}`,
      `\ufeff${pem}`,
      spki,
      JSON.stringify(verifying.jwk),
      base64,
    ]
    for (const secret of secrets) {
      for (const stated of ['HS256', alg, 'hs256', 'HS256 ']) {
        const compact = await forgeHmac(secret, { alg: stated, kid: verifying.kid, typ: 'x+jwt' }, { a: 1 })
        expect(await outcome(() => verify(compact, verifying))).toMatch(/^(algorithm_not_allowed|signature_invalid)$/)
      }
    }
  })

  // A05, A06: keys and addresses of keys in the header are never looked at.
  test('a key inside the header is not used', async () => {
    const thief = await generateSigningKey(alg)
    const header = {
      alg,
      kid: verifying.kid,
      jwk: thief.publicJwk,
      jku: 'http://169.254.169.254/keys',
      x5u: 'file:///etc/passwd',
      x5c: ['AAAA'],
    }
    expect(await outcome(async () => verify(await forge(thief, header, { a: 1 }), verifying))).toBe('signature_invalid')
  })
})

describe('ES256 signatures', () => {
  const { signing, verifying } = pair('ES256')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const octets = (value: bigint) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
  const joined = (r: bigint, s: bigint) => Uint8Array.from([...octets(r), ...octets(s)])

  // A04, CVE-2022-21449
  test('with r or s zero, one below, at, or above the order are refused', async () => {
    const jws = readJws(await signJws(signing, { typ: 'x+jwt' }, { a: 1 }))
    const edges = [0n, 1n, order - 1n, order, order + 1n, (1n << 256n) - 1n]
    for (const r of edges) {
      for (const s of edges) {
        expect(await outcome(() => verifyJws({ ...jws, signature: joined(r, s) }, verifying))).toBe('signature_invalid')
      }
    }
  })

  test('in DER form are refused', async () => {
    const jws = readJws(await signJws(signing, { typ: 'x+jwt' }, { a: 1 }))
    const integer = (bytes: Uint8Array) => {
      const trimmed = [...bytes].slice(bytes.findIndex((byte) => byte !== 0))
      const positive = (trimmed[0] ?? 0) > 0x7f ? [0, ...trimmed] : trimmed
      return [0x02, positive.length, ...positive]
    }
    const body = [...integer(jws.signature.slice(0, 32)), ...integer(jws.signature.slice(32))]
    const signature = Uint8Array.from([0x30, body.length, ...body])
    expect(await outcome(() => verifyJws({ ...jws, signature }, verifying))).toBe('signature_invalid')
  })

  // ECDSA itself is malleable and RFC 7518 asks for no low s: so nothing may be named after a signature.
  test('the twin with n - s is another token text and the same signing input', async () => {
    const compact = await signJws(signing, { typ: 'x+jwt' }, { a: 1 })
    const jws = readJws(compact)
    const s = BigInt(`0x${Buffer.from(jws.signature.slice(32)).toString('hex')}`)
    const twin = `${jws.signingInput}.${encode(Uint8Array.from([...jws.signature.slice(0, 32), ...octets(order - s)]))}`
    expect(twin).not.toBe(compact)
    expect(await hashText(readJws(twin).signingInput)).toBe(await hashText(jws.signingInput))
  })
})

describe('reading', () => {
  const { signing } = pair('ES256')
  const header = { alg: 'ES256', kid: 'k', typ: 'x+jwt' }
  const read = (...args: Parameters<typeof forge>) => outcome(async () => readJws(await forge(...args)))

  // A09, A10, A12
  test.each([
    { crit: [] },
    { crit: ['exp'] },
    { crit: ['alg'] },
    { crit: ['b64'], b64: false },
    { crit: ['b64'], b64: true },
    { crit: ['b64', 'b64'], b64: false },
    { crit: 'exp', exp: 1 },
    { crit: null },
    { crit: {} },
    { crit: ['http://example.invalid/UNDEFINED'], 'http://example.invalid/UNDEFINED': true },
    { b64: false },
    { b64: true },
    { b64: null },
    { zip: 'DEF' },
  ])('an extension is refused: %j', async (extension) => {
    expect(await read(signing, { ...header, ...extension }, {})).toBe('critical_unsupported')
  })

  // A17
  test.each([
    ['{"alg":"ES256","alg":"none"}', '{}'],
    ['{"alg":"ES256","\\u0061lg":"none"}', '{}'],
    ['{"alg":"ES256"}', '{"aud":"a","aud":"b"}'],
    ['{"alg":"ES256"}', '{"aud":"a","\\u0061ud":"b"}'],
    ['{"alg":"ES256"}', '{"x":{"__proto__":1,"\\u005f_proto__":2}}'],
  ])('a member twice is refused: %s %s', async (first, second) => {
    expect(await read(signing, first, second)).toBe('duplicate_member')
  })

  // A07
  test.each([[['k']], [''], ['k'.repeat(257)], [null], [7], [{}]])(
    'a kid that is no name is refused: %j',
    async (kid) => {
      expect(await read(signing, { ...header, kid }, {})).toBe('malformed')
    },
  )

  test.each(['../../dev/null', "' OR 1=1 --", 'http://evil.example/', '__proto__', 'a\u0000b', 'constructor'])(
    'a strange kid is just a name: %j',
    async (kid) => {
      expect(readJws(await forge(signing, { ...header, kid }, {})).header.kid).toBe(kid)
    },
  )

  test.each([
    '[]',
    '"x"',
    'null',
    '1',
    '',
    '{} ',
    '\ufeff{}',
    '{"a":1}x',
    '{"a":NaN}',
    '{"a":1e400}',
    '{"a":"\\ud800"}',
  ])('a payload that is not one JSON object is refused, or read as one: %j', async (payload) => {
    const expected =
      { '{} ': 'accepted', '{"a":NaN}': 'non_finite', '{"a":1e400}': 'non_finite' }[payload] ?? 'malformed'
    expect(await read(signing, header, payload)).toBe(expected)
  })

  // A15: refused by length before anything is split or decoded.
  test('what is too large is refused before it is looked at', async () => {
    for (const text of ['.'.repeat(1_000_000), 'A'.repeat(10_000_000), `${part(header)}.${'A'.repeat(16_384)}.AA`]) {
      expect(await outcome(() => readJws(text))).toBe('too_large')
    }
    expect(await outcome(() => readJws(`${'A'.repeat(100)}.A.A`, { maxBytes: 100 }))).toBe('too_large')
  })

  // A16, and A11: a JWE has five parts.
  test('anything but three parts is refused', async () => {
    const compact = await signJws(signing, { typ: 'x+jwt' }, {})
    const [h = '', p = '', s = ''] = compact.split('.')
    const json = JSON.stringify({
      payload: p,
      signatures: [
        { protected: h, signature: s },
        { protected: h, signature: 'AA' },
      ],
    })
    const flat = JSON.stringify({ payload: p, protected: h, signature: s, signatures: [] })
    for (const text of [
      json,
      flat,
      '',
      '.',
      '..',
      '...',
      h,
      `${h}.${p}`,
      `${compact}.`,
      `${compact}.x.y`,
      `.${p}.${s}`,
      ` ${compact}`,
      `${compact}\n`,
      `${h}.${p}.${s}=`,
    ]) {
      expect(await outcome(() => readJws(text))).toBe('malformed')
    }
  })

  // A19
  test('a payload or header that is nested deeply is refused', async () => {
    const deep = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(await read(signing, header, deep(5000))).toBe('too_deep')
    expect(await read(signing, `{"alg":"ES256","a":${'['.repeat(50)}${']'.repeat(50)}}`, {})).toBe('too_deep')
  })

  test('never throws anything but a refusal, whatever it is given', async () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom(
        '.',
        '{"alg":"ES256"}',
        part({ alg: 'ES256' }),
        part({}),
        part('{"a":1'),
        encode(Uint8Array.from([0xff])),
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 7 }), async (pieces) => {
        await outcome(() => readJws(pieces.join('')))
        await outcome(() => readSignedBytes(pieces.join('.')))
      }),
      { numRuns: 1000 },
    )
  })
})

test('hashes are SHA-256 of UTF-8', async () => {
  expect(await hashText('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  expect(await sha256('é')).toEqual(await sha256(Uint8Array.from([0xc3, 0xa9])))
  expect(encode(await sha256(decode('')))).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
})
