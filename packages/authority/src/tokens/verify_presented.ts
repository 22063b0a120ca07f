import { type AccessTokenClaims, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

export type PresentedToken = { claims: AccessTokenClaims; kid: string }

/**
 * The one verifier (P7): signature by a key of this organization, times, and everything the token rests on still standing.
 * `audience`: refuse `audience_mismatch` unless it is this one; absent: whichever the token names.
 */
export async function verifyPresented(
  _services: Services,
  _organization: Organization,
  _token: string,
  _expect: { audience?: string } = {},
): Promise<PresentedToken> {
  return refuse('internal_error')
}
