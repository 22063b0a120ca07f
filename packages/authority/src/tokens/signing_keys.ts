import {
  type Algorithm,
  type JsonObject,
  type KeyLookup,
  type PublicKey,
  refuse,
  type SigningKey,
} from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'

export type SigningKeyRecord = {
  kid: string
  alg: Algorithm
  state: RowOf<'signing_keys'>['state']
  publicJwk: JsonObject
  preparedAtMs: number
  publishedAtMs: number | null
  activatedAtMs: number | null
  retiredAtMs: number | null
  revokedAtMs: number | null
}

/** Every signing key of the organization, oldest first. */
export async function listSigningKeys(_services: Services, _organization: Organization): Promise<SigningKeyRecord[]> {
  return []
}

/** The key that signs now. */
export async function activeKey(_services: Services, _organization: Organization): Promise<SigningKey> {
  return refuse('internal_error')
}

/** The keys whose signatures are honoured: published, active, and retired while anything they signed can live. */
export async function publicKeys(_services: Services, _organization: Organization): Promise<PublicKey[]> {
  return []
}

/** Looks keys up by issuer and key id, for this organization's issuer only. */
export function lookup(_services: Services, _organization: Organization): KeyLookup {
  return () => undefined
}

/** The organization's JWK Set (RFC 7517). */
export async function jwks(_services: Services, _organization: Organization): Promise<{ keys: JsonObject[] }> {
  return { keys: [] }
}
