import { isId, refuse } from '@credence/protocol'
import { findAgentBySpiffeId, type Permission } from '../agents/index.ts'
import { findPerson } from '../people/index.ts'
import type { Organization, Services } from '../services.ts'

/**
 * On whose behalf. `id` is what stands in statements and in `sub`: a SPIFFE ID for an agent, else the typed id; `standingId`
 * is what a lineage names.
 */
export type Principal = { kind: 'person' | 'agent' | 'organization'; id: string; standingId: string }

/** What somebody may do by themselves; `everything` is the organization's, at its own resources. */
export type OwnPermissions = 'everything' | { permissions: Permission[]; capabilities?: string[] }

/** The principal a statement names, with what it may do itself. Refuses `delegator_unknown` when there is none. */
export async function findPrincipal(
  services: Services,
  organization: Organization,
  sub: string,
): Promise<{ principal: Principal; own: OwnPermissions }> {
  if (sub === organization.id) {
    return { principal: { kind: 'organization', id: sub, standingId: sub }, own: 'everything' }
  }
  if (isId(sub, 'psn')) {
    const person = (await findPerson(services, organization, sub)) ?? refuse('delegator_unknown')
    return { principal: { kind: 'person', id: sub, standingId: sub }, own: { permissions: person.permissions } }
  }
  const found = await findAgentBySpiffeId(services, organization, sub)
  if (found === undefined || found.instance !== undefined) refuse('delegator_unknown')
  const { id, permissions, capabilities } = found.agent
  return { principal: { kind: 'agent', id: sub, standingId: id }, own: { permissions, capabilities } }
}
