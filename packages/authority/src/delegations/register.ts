import { agentOf, refuse, type Statement } from '@credence/protocol'
import { commit, type Organization, type Services } from '../services.ts'
import { prepareChain } from './prepare.ts'
import { type RegisteredChain, recordOfRegistration } from './registered_chain.ts'

/**
 * Makes a chain of signed statements (root first) known to the authority. What is known already stays as it was stamped; a
 * chain known to its end is answered without a record. `by`: who hands it in. `party`: refuse `forbidden` unless this agent
 * is delegator or delegate of a hop.
 */
export async function registerChain(
  services: Services,
  organization: Organization,
  statements: readonly string[],
  { by, traceId, party }: { by: string; traceId?: string; party?: string },
): Promise<RegisteredChain> {
  const prepared = await prepareChain(services, organization, statements)
  const { steps, fresh, ...chain } = prepared
  if (party !== undefined && !chain.hops.some(({ statement }) => isPartOf(statement, party))) refuse('forbidden')
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'alive', lineage: chain.lineage, otherwise: 'revoked' }, ...steps],
    audit: fresh.length === 0 ? null : await recordOfRegistration(services, organization, prepared, { by, traceId }),
  })
  return chain
}

function isPartOf({ iss, delegate }: Statement, agent: string): boolean {
  return iss === agent || agentOf(delegate) === agent
}
