import { type AccessTokenClaims, type JsonObject, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

/** What a grant decides; the authority adds issuer, organization, id and time. */
export type NewToken = Omit<AccessTokenClaims, 'iss' | 'org' | 'jti' | 'iat'>

export type MintedToken = { token: string; claims: AccessTokenClaims; kid: string }

/** Signs an access token with the organization's active key. It must not leave before its record is durable. */
export async function mint(_services: Services, _organization: Organization, _token: NewToken): Promise<MintedToken> {
  return refuse('internal_error')
}

/** Signs a payload of the authority (revocation batches, attested statements) with the active key, as a compact JWS of this `typ`. */
export async function signAs(
  _services: Services,
  _organization: Organization,
  _typ: string,
  _payload: JsonObject,
): Promise<string> {
  return refuse('internal_error')
}
