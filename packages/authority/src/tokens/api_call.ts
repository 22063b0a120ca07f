import { type AccessTokenClaims, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

/**
 * Who calls the authority's own API: checks the access token (audience `${issuer}/v1`), its DPoP proof, and claims the
 * proof's id. `url`: the target as the caller sees it, built from the stored issuer.
 */
export async function authenticateApiCall(
  _services: Services,
  _organization: Organization,
  _request: Request,
  _url: string,
): Promise<{ kind: 'agent'; claims: AccessTokenClaims; id: string }> {
  return refuse('internal_error')
}
