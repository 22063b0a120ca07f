// A3, A14 and A26 of the attack list: a key that is weak, symmetric, private or for something else is registered nowhere, and proves nothing.

import { generateKeyPairSync } from 'node:crypto'
import { generateSigningKey, type JsonObject, type SigningKey } from '@credence/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seconds } from '../cast.ts'
import { outcomeOf } from './doors.ts'
import { signed } from './forgeries/forging.ts'
import { inBatches } from './many.ts'
import { itself, postAs, type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.stop())

const jwkOf = (made: { publicKey: { export(options: { format: 'jwk' }): unknown } }) =>
  made.publicKey.export({ format: 'jwk' }) as JsonObject
const text = (bytes: Uint8Array | number[]) => Buffer.from(bytes).toString('base64url')
const hex = (digits: string) => text(Buffer.from(digits, 'hex'))

const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  // Other spellings of the same: y of p and more.
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
]

async function weak(): Promise<Record<string, JsonObject>> {
  const [ec, ed] = await Promise.all([generateSigningKey('ES256', { extractable: true }), generateSigningKey('EdDSA')])
  const { x = '', y = '' } = ec.publicJwk as { x?: string; y?: string }
  const point = { kty: 'EC', crv: 'P-256', x, y }
  const okp = { kty: 'OKP', crv: 'Ed25519', x: ed.publicJwk.x as string }
  const rsa = (modulusLength: number, publicExponent = 65_537) => ({
    ...jwkOf(generateKeyPairSync('rsa', { modulusLength, publicExponent })),
    alg: 'RS256',
  })
  const { alg: _, ...unsaid } = rsa(2048) as JsonObject
  return {
    'a shared secret': { kty: 'oct', k: text(new Uint8Array(32)) },
    'a shared secret that says HS256': { kty: 'oct', k: text(new Uint8Array(64)), alg: 'HS256' },
    'a private key': (ec as { privateJwk?: JsonObject }).privateJwk as JsonObject,
    ...Object.fromEntries(
      ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'].map((member) => [
        `with a private ${member}`,
        { ...point, [member]: 'AQ' },
      ]),
    ),
    'RSA of 1024 bits': rsa(1024),
    'RSA of 2040 bits': rsa(2040),
    'RSA with exponent 3': rsa(2048, 3),
    'RSA that names no algorithm': unsaid,
    'RSA that says PS256': { ...unsaid, alg: 'PS256' },
    'RSA with zeros before its modulus': {
      ...unsaid,
      alg: 'RS256',
      n: text(Buffer.concat([Buffer.alloc(1), Buffer.from(unsaid.n as string, 'base64url')])),
    },
    'RSA with an even modulus of nothing': { kty: 'RSA', alg: 'RS256', n: text(Buffer.alloc(256)), e: 'AQAB' },
    'P-384': jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
    'P-521': jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-521' })),
    secp256k1: jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })),
    X25519: jwkOf(generateKeyPairSync('x25519')),
    Ed448: jwkOf(generateKeyPairSync('ed448')),
    'a point off the curve': { ...point, y: x },
    'the point of zeros': { ...point, x: text(Buffer.alloc(32)), y: text(Buffer.alloc(32)) },
    'a coordinate too short': { ...point, x: text(Buffer.from(x, 'base64url').subarray(1)) },
    'a coordinate too long': { ...point, x: text(Buffer.concat([Buffer.alloc(1), Buffer.from(x, 'base64url')])) },
    'a coordinate with padding': { ...point, x: `${x}=` },
    'a coordinate with bits that nobody reads': {
      ...point,
      x: x.replace(/.$/, 'B') === x ? `${x.slice(0, -1)}F` : x.replace(/.$/, 'B'),
    },
    'a coordinate that is no text': { ...point, x: [x] },
    'no second coordinate': { kty: 'EC', crv: 'P-256', x },
    'another curve than the point’s': { ...point, crv: 'P-384' },
    'another kind than the point’s': { ...point, kty: 'OKP' },
    'for encryption': { ...point, use: 'enc' },
    'for signing and for deriving': { ...point, key_ops: ['verify', 'deriveKey'] },
    'for signing only': { ...point, key_ops: ['sign'] },
    'of another algorithm': { ...point, alg: 'ES384' },
    'of no algorithm': { ...point, alg: 'none' },
    'of EdDSA, and on P-256': { ...point, alg: 'EdDSA' },
    'Ed25519 of 31 bytes': { ...okp, x: text(Buffer.from(okp.x, 'base64url').subarray(1)) },
    nothing: {},
    ...Object.fromEntries(
      smallOrder.map((digits) => [
        `Ed25519 of small order, ${digits.slice(0, 4)}…${digits.slice(-2)}`,
        { ...okp, x: hex(digits) },
      ]),
    ),
  }
}

test('at every place that takes a key', async () => {
  const { acme, ada, agent } = stage
  const keys = Object.entries(await weak())
  const post = async (path: string, body: object) => outcomeOf(await acme.api('post', path, body))
  const places: Record<
    string,
    (jwk: JsonObject) => Promise<{ taken: boolean; status: number; code: string | undefined; text: string }>
  > = {
    'a key of an agent': (jwk) => post(`/v1/agents/${agent.id}/credentials`, { kind: 'public_key', jwk }),
    'a key of an instance': (jwk) => post(`/v1/agents/${agent.id}/instances`, { jwk }),
    'a key of a person': (jwk) => post(`/v1/people/${ada.id}/keys`, { jwk }),
  }
  const changes = await changesBy(stage.authority, async () => {
    for (const [place, offer] of Object.entries(places)) {
      const wrong = await inBatches(keys, async ([name, jwk]) => {
        const { taken, status, code, text: answered } = await offer(jwk)
        return !taken && status === 400 && code === 'key_unusable' && !answered.includes('AQAB')
          ? []
          : [{ place, name, taken, status, code }]
      })
      expect(wrong).toEqual([])
    }
  })
  expect(changes).toEqual({})
})

test('in the header of a proof, whoever signed it', async () => {
  const { acme, agent } = stage
  const payload = () =>
    JSON.stringify({ jti: crypto.randomUUID(), htm: 'POST', htu: `${acme.issuer}/token`, iat: seconds() })
  const signers: SigningKey[] = await Promise.all(
    (['ES256', 'EdDSA', 'RS256'] as const).map((alg) => generateSigningKey(alg)),
  )
  const changes = await changesBy(stage.authority, async () => {
    const wrong = await inBatches(Object.entries(await weak()), async ([name, jwk]) => {
      const signer = signers[name.length % signers.length] as SigningKey
      const dpop = await signed(signer, JSON.stringify({ typ: 'dpop+jwt', alg: signer.alg, jwk }), payload())
      const { taken, code } = outcomeOf(await postAs(stage, agent, '/token', itself, { dpop }))
      return !taken && code === 'proof_invalid' ? [] : [{ name, taken, code }]
    })
    expect(wrong).toEqual([])
  })
  expect(Object.keys(changes).sort()).toEqual(['record token.refused', 'used assertion'])
})
