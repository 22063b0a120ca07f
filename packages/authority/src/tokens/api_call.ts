import { type AccessTokenClaims, type Lineage, refuse } from '@credence/protocol'
import type { Call } from '../http/endpoint.ts'
import type { HttpRequest } from '../http/request.ts'
import { ownAudience } from '../resources/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import { proveKey } from './prove_key.ts'
import { fullLineage, verifyPresented } from './verify_presented.ts'

/** `id`: the `agt_` id of the agent that calls. `lineage`: all that its token rests on, itself and its signing key included. */
export type ApiCaller = { kind: 'agent'; claims: AccessTokenClaims; id: string; lineage: Lineage }

/**
 * Who calls the authority's own API with an access token (audience `${issuer}/v1`). The token must be bound, the proof must
 * fit it, and its id is claimed here, so that one proof opens one call. Scope is the endpoint's to check.
 */
export async function authenticateApiCall(
  services: Services,
  organization: Organization,
  call: Pick<Call, 'request' | 'url' | 'answerHeaders'>,
): Promise<ApiCaller> {
  const token = readToken(call.request)
  const { claims, kid } = await verifyPresented(services, organization, token, {
    audience: ownAudience(organization),
  })
  // The authority's own API issues bound tokens only; an unbound one is not ours to trust.
  if (claims.cnf === undefined) refuse('binding_unknown')
  const proven = await proveKey(services, organization, { ...call, accessToken: token })
  if (proven === undefined) refuse('proof_missing')
  if (proven.jkt !== claims.cnf.jkt) refuse('proof_key_mismatch')
  const lineage = fullLineage(claims, kid)
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'alive', lineage, otherwise: 'revoked' }, ...proven.steps],
    audit: null,
  })
  return { kind: 'agent', claims, id: claims.agent, lineage }
}

/** RFC 9449 §7.1: a bound token comes with the scheme DPoP; as Bearer it is refused, however valid. */
function readToken(request: HttpRequest): string {
  const authorization = request.headers.get('authorization')
  if (authorization === null) refuse('token_missing')
  const [, scheme = '', token = ''] = /^([A-Za-z]+) +([A-Za-z0-9._~+/=-]+)$/.exec(authorization) ?? []
  if (token === '') refuse('token_missing')
  if (scheme.toLowerCase() !== 'dpop') refuse('proof_missing')
  return token
}
