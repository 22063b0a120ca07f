// A01, A02 and A04 of the attack list: who signed, and how.

import { createHmac, createPublicKey } from 'node:crypto'
import { canonicalize, type JsonObject } from '@credence/protocol'
import { type Forgery, named, opened, part, withHeader } from './forging.ts'

export const algorithms: Forgery[] = [
  ...[
    'none',
    'None',
    'nOnE',
    '',
    'none ',
    'none\0',
    'es256',
    'ES256 ',
    ' ES256',
    'ES256\0',
    'HS256',
    'RS256',
    'PS256',
    'ES384',
    'ES256K',
    'Ed25519',
    'EdDSA',
    'constructor',
    '__proto__',
  ].map(
    (alg): Forgery => ({
      name: `A01 alg ${named(alg)}`,
      flaws: ['algorithm_not_allowed'],
      forge: withHeader((header) => ({ ...header, alg })),
    }),
  ),
  ...[undefined, null, 0, true, ['ES256'], { alg: 'ES256' }].map(
    (alg): Forgery => ({
      name: `A01 alg ${named(alg)}, not a text`,
      flaws: ['malformed'],
      forge: withHeader((header) => ({ ...header, alg: alg as unknown as string })),
    }),
  ),
  ...['none', 'ES256'].map(
    (alg): Forgery => ({
      name: `A01 alg ${alg} and no signature`,
      flaws: [alg === 'none' ? 'algorithm_not_allowed' : 'signature_invalid'],
      forge: ({ compact }) => {
        const { header, payloadText } = opened(compact)
        return `${part(canonicalize({ ...header, alg }))}.${part(payloadText)}.`
      },
    }),
  ),
]

const publicSecrets: Record<string, (jwk: JsonObject) => string | Buffer> = {
  PEM: (jwk) => pemOf(jwk),
  'PEM after a new line': (jwk) => `\n${pemOf(jwk)}`,
  'PEM after a space': (jwk) => ` ${pemOf(jwk)}`,
  'PEM after a byte order mark': (jwk) => `\ufeff${pemOf(jwk)}`,
  'PEM without its last new line': (jwk) => pemOf(jwk).trimEnd(),
  DER: (jwk) => createPublicKey({ key: jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'der' }),
  'the JWK as published': (jwk) => JSON.stringify(jwk),
  'the JWK in canonical form': (jwk) => canonicalize(jwk),
  'one coordinate': (jwk) => Buffer.from(`${jwk.x}`, 'base64url'),
  'the key id': (jwk) => `${jwk.kid}`,
  nothing: () => '',
}

function pemOf(jwk: JsonObject): string {
  return createPublicKey({ key: jwk as never, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
}

export const symmetric = Object.entries(publicSecrets).flatMap(([name, secretOf]) =>
  ['HS256', 'ES256'].map(
    (alg): Forgery => ({
      name: `A02 an HMAC with ${name}, said to be ${alg}`,
      flaws: [alg === 'HS256' ? 'algorithm_not_allowed' : 'signature_invalid'],
      forge: ({ compact, key }) => {
        const { header, payloadText } = opened(compact)
        const input = `${part(canonicalize({ ...header, alg }))}.${part(payloadText)}`
        return `${input}.${part(createHmac('sha256', secretOf(key.publicJwk)).update(input).digest())}`
      },
    }),
  ),
)

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const scalar = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const both = (r: bigint, s: bigint) => Buffer.concat([scalar(r), scalar(s)])

function der(raw: Buffer): Buffer {
  const integer = (bytes: Buffer) => {
    const least = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
    const positive = (least[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), least]) : least
    return Buffer.concat([Buffer.of(2, positive.length), positive])
  }
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

const signatures: Record<string, (raw: Buffer) => Buffer> = {
  'r = s = 0': () => both(0n, 0n),
  'r = 0': (raw) => Buffer.concat([scalar(0n), raw.subarray(32)]),
  's = 0': (raw) => Buffer.concat([raw.subarray(0, 32), scalar(0n)]),
  'r = s = n': () => both(order, order),
  'r = s = 1': () => both(1n, 1n),
  'r + n, where that fits, or n': (raw) => Buffer.concat([scalar(order), raw.subarray(32)]),
  DER: der,
  'its halves exchanged': (raw) => Buffer.concat([raw.subarray(32), raw.subarray(0, 32)]),
  'one bit turned': (raw) => Buffer.concat([Buffer.of((raw[0] ?? 0) ^ 1), raw.subarray(1)]),
  'a byte more before it': (raw) => Buffer.concat([Buffer.of(0), raw]),
  'a byte more after it': (raw) => Buffer.concat([raw, Buffer.of(0)]),
  'a byte less': (raw) => raw.subarray(0, 63),
  'of 512 bytes': () => Buffer.alloc(512, 1),
}

export const wrongSignatures = Object.entries(signatures).map(
  ([name, change]): Forgery => ({
    name: `A04 a signature: ${name}`,
    flaws: ['signature_invalid'],
    forge: ({ compact }) => {
      const { signature } = opened(compact)
      return `${compact.slice(0, compact.lastIndexOf('.'))}.${part(change(Buffer.from(signature, 'base64url')))}`
    },
  }),
)
