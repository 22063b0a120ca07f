/** SHA-256, everywhere the protocol hashes. */

import { encode } from './base64url.ts'

type OneShotHash = {
  (algorithm: 'sha256', data: Uint8Array | string, encoding: 'buffer'): Uint8Array<ArrayBuffer>
  (algorithm: 'sha256', data: Uint8Array | string, encoding: 'base64url'): string
}

const encoder = new TextEncoder()

/**
 * Where the runtime has a hash that answers at once (Node and what is compatible with it), that one: `crypto.subtle` sends even a
 * few bytes to another thread, which costs ten times what hashing them does.
 */
const oneShot = (
  globalThis as { process?: { getBuiltinModule?(id: 'crypto'): { hash?: OneShotHash } | undefined } }
).process?.getBuiltinModule?.('crypto')?.hash

/** SHA-256 of bytes, or of the UTF-8 of a text. 32 bytes. */
export async function sha256(data: Uint8Array | string): Promise<Uint8Array<ArrayBuffer>> {
  if (oneShot) return oneShot('sha256', data, 'buffer')
  const bytes = typeof data === 'string' ? encoder.encode(data) : Uint8Array.from(data)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** SHA-256 of the UTF-8 of a text, base64url: `ath`, `par_hash`, hashes of statements. */
export async function hashText(text: string): Promise<string> {
  return oneShot ? oneShot('sha256', text, 'base64url') : encode(await sha256(text))
}
