import { covers } from '@credence/protocol'
import { chainCeilings, type RegisteredChain } from '../delegations/index.ts'
import { granted } from '../policy/index.ts'
import { findResource, type Resource } from '../resources/index.ts'
import type { Services } from '../services.ts'
import type { TokenRequest } from './grant.ts'

/** The resources a chain may be used at after this one, by operators who go on for their caller. */
export async function onwardResources(
  services: Services,
  { organization }: Pick<TokenRequest, 'organization'>,
  onward: readonly string[] = [],
): Promise<Resource[]> {
  const found = await Promise.all(onward.map((audience) => findResource(services, organization, audience)))
  return found.filter((resource) => resource !== undefined && !resource.builtin) as Resource[]
}

/**
 * Scopes that mean nothing at the resource the token is for, and that its operator may go on with: an on-behalf-of exchange
 * never gives more than the token it rests on. `over`: further ceilings, such as what a subject token carries.
 */
export async function scopesBeyond(
  services: Services,
  request: TokenRequest,
  chain: RegisteredChain,
  over: ReadonlyArray<readonly string[]> = [],
): Promise<string[]> {
  const { organization, resource, own } = request
  const scopes: string[] = []
  for (const next of await onwardResources(services, request, chain.leaf.statement.onward)) {
    const ceilings = await chainCeilings(services, organization, chain, next.audience)
    scopes.push(...granted([...over, ...ceilings, next.scopes, ...own]))
  }
  // A word that this resource knows too would be a right here, and what the principal may do here has its own ceilings.
  return scopes.filter((scope) => !resource.scopes.some((known) => covers(known, scope) || covers(scope, known)))
}
