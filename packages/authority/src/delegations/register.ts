import { agentOf, refuse, type Statement } from '@credence/protocol'
import { record } from '../audit/index.ts'
import type { Organization, Services } from '../services.ts'
import { prepareChain } from './prepare.ts'
import type { RegisteredChain } from './registered_chain.ts'

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
  const { steps, fresh, ...chain } = await prepareChain(services, organization, statements)
  if (party !== undefined && !chain.hops.some(({ statement }) => isPartOf(statement, party))) refuse('forbidden')
  const audit =
    fresh.length === 0
      ? null
      : await record(services, organization, {
          type: 'delegation.registered',
          by,
          principal: chain.principal.id,
          chain: chain.hops.map(({ hash }) => hash),
          subject: chain.leaf.id,
          scope: chain.leaf.statement.scope,
          count: fresh.length,
          outcome: 'done',
          ...(chain.leaf.statement.task !== undefined && { task: chain.leaf.statement.task }),
          ...(traceId !== undefined && { trace_id: traceId }),
        })
  const outcome = await services.store.commit({
    organization: organization.id,
    steps: [{ do: 'alive', lineage: chain.lineage, otherwise: 'revoked' }, ...steps],
    audit,
  })
  if (!outcome.done) refuse(outcome.refused)
  return chain
}

function isPartOf({ iss, delegate }: Statement, agent: string): boolean {
  return iss === agent || agentOf(delegate) === agent
}
