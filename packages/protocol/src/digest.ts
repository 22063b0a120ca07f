/** SHA-256, everywhere the protocol hashes. */

import { encode } from './base64url.ts'
import { nodeCrypto } from './node_crypto.ts'

const encoder = new TextEncoder()

/** SHA-256 of bytes, or of the UTF-8 of a text. 32 bytes. */
export async function sha256(data: Uint8Array | string): Promise<Uint8Array<ArrayBuffer>> {
  if (nodeCrypto?.hash) return nodeCrypto.hash('sha256', data, 'buffer')
  const bytes = typeof data === 'string' ? encoder.encode(data) : Uint8Array.from(data)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** SHA-256 of the UTF-8 of a text, base64url: `ath`, `par_hash`, hashes of statements. */
export async function hashText(text: string): Promise<string> {
  return nodeCrypto?.hash ? nodeCrypto.hash('sha256', text, 'base64url') : encode(await sha256(text))
}
