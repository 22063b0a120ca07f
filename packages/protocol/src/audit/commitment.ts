/** Salted commitments to values that the audit log must be able to forget. */

import { encode } from '../base64url.ts'
import { canonicalize } from '../canonical.ts'
import { sha256 } from '../digest.ts'
import type { JsonValue } from '../json.ts'
import { refuseAtUse as refuse } from '../refusals/at_use.ts'

const domain = 'credence audit commitment v1'

/** A fresh salt: 32 random bytes, for one value of one record. */
export function newSalt(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32))
}

/**
 * base64url SHA-256 over domain, name, salt and the JCS of the value, each preceded by its length in bytes (32 bits, big-endian), so that
 * no two inputs run together to the same bytes. Without the salt the value cannot be guessed from it. Refuses `malformed` a salt that is not
 * 32 bytes.
 */
export async function commit(name: string, value: JsonValue, salt: Uint8Array): Promise<string> {
  if (salt.length !== 32) refuse('malformed', { detail: 'salt: not 32 bytes' })
  const encoder = new TextEncoder()
  const parts = [encoder.encode(domain), encoder.encode(name), salt, encoder.encode(canonicalize(value))]
  const input = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0))
  const view = new DataView(input.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length)
    input.set(part, at + 4)
    at += 4 + part.length
  }
  return encode(await sha256(input))
}

/** Whether the commitment was made to this value under this name with this salt. */
export async function openCommitment(
  commitment: string,
  name: string,
  value: JsonValue,
  salt: Uint8Array,
): Promise<boolean> {
  return salt.length === 32 && commitment === (await commit(name, value, salt))
}
