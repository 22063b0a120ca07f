import { type AccessTokenClaims, type Lineage, refuse, verifyAccessToken } from '@credence/protocol'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import { lineageStands } from './lineage.ts'
import { lookup } from './signing_keys.ts'

export type PresentedToken = { claims: AccessTokenClaims; kid: string }

/**
 * The one verifier (P7), behind introspection, exchange and the authority's own API: signature by a key of this
 * organization, audience, times, and everything the token rests on still standing, its own id and its signing key included.
 * Refuses with the codes of `verifyAccessToken`, or `revoked`.
 *
 * `audience` absent: whichever the token names; the caller of this function then decides on `claims.aud` itself.
 */
export async function verifyPresented(
  services: Services,
  organization: Organization,
  token: string,
  expect: { audience?: string } = {},
): Promise<PresentedToken> {
  const { claims, kid } = await verifyAccessToken(token, {
    keys: lookup(services, organization),
    issuers: (issuer) => issuer === organization.issuer,
    audience: expect.audience ?? (() => true),
    now: nowSeconds(services.clock),
    toleranceSeconds: services.config.clockToleranceSeconds,
  })
  // A token of another organization cannot carry this issuer's signature; this is the second lock on the same door.
  if (claims.org !== organization.id) refuse('issuer_untrusted')
  if (!(await lineageStands(services, organization, fullLineage(claims, kid)))) refuse('revoked')
  return { claims, kid }
}

/** Everything whose end must end this token, its own id and its signing key included. */
export function fullLineage(claims: AccessTokenClaims, kid: string): Lineage {
  return [...claims.lineage, [claims.jti, 0], [kid, 0]]
}
