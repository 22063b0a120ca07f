import { intersectScopes, parseScope, refuse } from '@credence/protocol'
import { chainCeilings, extendOnBehalf, loadChain } from '../delegations/index.ts'
import { findResource } from '../resources/index.ts'
import type { Services } from '../services.ts'
import { fullLineage } from '../tokens/index.ts'
import { onwardResources, scopesBeyond } from './beyond.ts'
import { type Drawn, type TokenRequest, taskAndSession } from './grant.ts'
import { presentedToken } from './presented.ts'

/**
 * Shape (c): the operator of a resource goes on, for whoever called it, to a resource that the caller's grant names as
 * `onward`. The authority attests the hop, because it saw the token the operator was called with. The caller's proof of
 * possession was the resource's to check and is not repeated here.
 */
export async function onBehalfOf(services: Services, request: TokenRequest, subjectToken: string): Promise<Drawn> {
  const { organization, client, resource, form } = request
  const { claims, kid } = await presentedToken(services, organization, subjectToken, 'subject_token_invalid')
  const calledAt = await findResource(services, organization, claims.aud)
  if (calledAt?.operator !== client.agent.id) refuse('subject_token_invalid')
  const leafHash = claims.delegation_chain?.at(-1)?.hash
  // Who acts for itself has nobody's authority to hand on, and named nothing as onward.
  if (leafHash === undefined) refuse('onward_not_granted')
  const parent = (await loadChain(services, organization, leafHash)) ?? refuse('delegation_unknown')
  const leaf = parent.leaf.statement
  if (!leaf.onward?.includes(resource.audience)) refuse('onward_not_granted')

  const { task, session } = taskAndSession(form, leaf, claims)
  const lineage = fullLineage(claims, kid)
  const carried = parseScope(claims.scope)
  const later = await onwardResources(services, request, leaf.onward)
  const chain = await extendOnBehalf(services, organization, parent, {
    client,
    resource,
    // The hop hands on no more than the call carried, and nothing that no resource from here on knows.
    scope: intersectScopes(
      carried,
      [resource, ...later].flatMap(({ scopes }) => scopes),
    ),
    expiresAt: claims.exp,
    token: claims.jti,
    lineage,
    ...(task !== undefined && { task }),
    ...(session !== undefined && { session }),
  })
  return {
    sub: claims.sub,
    chain,
    ceilings: [carried, ...(await chainCeilings(services, organization, chain, resource.audience))],
    beyond: await scopesBeyond(services, request, chain, [carried]),
    constraints: leaf.constraints ?? [],
    expiresAt: chain.expiresAt,
    lineage: chain.lineage,
    ...(task !== undefined && { task }),
    ...(session !== undefined && { session }),
    steps: chain.steps,
    registered: chain.fresh,
  }
}
