import { agentOf, coversAll, parseScope, refuse, type Statement } from '@credence/protocol'
import { findAgentBySpiffeId, type Permission } from '../agents/index.ts'
import type { Organization, Services } from '../services.ts'
import { findPrincipal, type OwnPermissions } from './principal.ts'
import type { RegisteredChain } from './registered_chain.ts'

/** The scopes that these permissions hold at one resource. */
export function permittedScopes(permissions: readonly Permission[], audience: string): string[] {
  return permissions.filter(({ resource }) => resource === audience).flatMap(({ scope }) => scope.split(' '))
}

/**
 * What a chain allows at a resource, as ceilings to narrow by: the leaf's scope, which is within every hop above; what the
 * principal may do itself, today; and what each agent on the way may ever hold. The last one's, the caller's, is for the
 * caller of this function to add.
 */
export async function chainCeilings(
  services: Services,
  organization: Organization,
  chain: RegisteredChain,
  audience: string,
): Promise<string[][]> {
  const { own } = await findPrincipal(services, organization, chain.principal.id)
  const ceilings = [parseScope(chain.leaf.statement.scope), ...ownCeilings(own, audience)]
  for (const { statement } of chain.hops.slice(0, -1)) {
    const found = await findAgentBySpiffeId(services, organization, agentOf(statement.delegate))
    ceilings.push(found?.agent.capabilities ?? [])
  }
  return ceilings
}

function ownCeilings(own: OwnPermissions, audience: string): string[][] {
  if (own === 'everything') return []
  const permitted = permittedScopes(own.permissions, audience)
  return own.capabilities === undefined ? [permitted] : [permitted, own.capabilities]
}

/**
 * Nobody hands on more than they have: each scope of a root must be the principal's own at one of the resources it names.
 * At which of them is decided again, resource by resource, whenever the delegation is used. Refuses `scope_not_granted`.
 */
export function requireOwn(own: OwnPermissions, root: Statement): void {
  if (own === 'everything') return
  const named = [...root.aud, ...(root.onward ?? [])]
  const permitted = named.flatMap((audience) => permittedScopes(own.permissions, audience))
  const wanted = parseScope(root.scope)
  if (!coversAll(permitted, wanted) || (own.capabilities && !coversAll(own.capabilities, wanted))) {
    refuse('scope_not_granted', { detail: 'The delegator does not have this itself.' })
  }
}
