// Keys that are the same in every run, so that what signs and verifies does not depend on chance. They protect nothing.

import { createECDH, createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { base64url, importPublicKey, type JsonObject, type PublicKey } from '@credence/protocol'

export type TestKey = { publicJwk: JsonObject; publicKey: PublicKey; sign(text: string): string }

export async function testKey(name: string, alg: 'ES256' | 'EdDSA'): Promise<TestKey> {
  const secret = createHash('sha256').update(`credence fuzzing ${name}`).digest()
  const { key, jwk } = alg === 'ES256' ? ecKey(secret) : edKey(secret)
  const publicKey = await importPublicKey(jwk, name)
  return {
    publicJwk: jwk,
    publicKey,
    sign: (text) =>
      base64url.encode(sign(alg === 'ES256' ? 'sha256' : null, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })),
  }
}

function ecKey(secret: Buffer): { key: KeyObject; jwk: JsonObject } {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(secret)
  const point = pair.getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((each) => each.toString('base64url')) as [
    string,
    string,
  ]
  const jwk = { kty: 'EC', crv: 'P-256', x, y }
  return { key: createPrivateKey({ key: { ...jwk, d: secret.toString('base64url') }, format: 'jwk' }), jwk }
}

/** RFC 8410: the seed behind the fixed beginning of a PKCS #8 structure. */
function edKey(secret: Buffer): { key: KeyObject; jwk: JsonObject } {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { d: _, ...jwk } = key.export({ format: 'jwk' }) as { [name: string]: string }
  return { key, jwk }
}

/** A compact JWS over exactly these texts. */
export function compactOf(key: TestKey, header: string, payload: string): string {
  const signed = `${wrap(header)}.${wrap(payload)}`
  return `${signed}.${key.sign(signed)}`
}

export function wrap(text: string): string {
  return base64url.encode(new Uint8Array(Buffer.from(text)))
}
