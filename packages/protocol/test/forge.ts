import { encode } from '../src/base64url.ts'
import type { SigningKey } from '../src/keys.ts'

/** A compact JWS with these exact texts, signed for real: what an attacker who holds a key can send. */
export async function forge(key: SigningKey, header: object | string, payload: object | string): Promise<string> {
  const signingInput = `${part(header)}.${part(payload)}`
  return `${signingInput}.${encode(await key.sign(new TextEncoder().encode(signingInput)))}`
}

export function part(content: object | string): string {
  return encode(new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content)))
}

/** A compact JWS with an HMAC over `secret` instead of a signature. */
export async function forgeHmac(secret: string | Uint8Array, header: object, payload: object): Promise<string> {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : Uint8Array.from(secret)
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signingInput = `${part(header)}.${part(payload)}`
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(signingInput))
  return `${signingInput}.${encode(new Uint8Array(mac))}`
}
