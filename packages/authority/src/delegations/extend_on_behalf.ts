import { agentOf, formatScope, type Lineage, newStatement, refuse } from '@credence/protocol'
import type { Agent, Instance } from '../agents/index.ts'
import { findAgentBySpiffeId } from '../agents/index.ts'
import type { Resource } from '../resources/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import { appendAttested } from './append.ts'
import type { PreparedChain, RegisteredChain } from './registered_chain.ts'

/**
 * The hop by which the operator of a resource goes on for whoever called it, attested by the authority. `token`: the jti of
 * the token it was called with, `lineage` all that token rests on: whatever ends it ends the hop, and all that is handed on
 * below it. Never longer, wider or deeper than the chain that token rests on.
 */
export async function extendOnBehalf(
  services: Services,
  organization: Organization,
  parent: RegisteredChain,
  call: {
    client: { agent: Agent; instance?: Instance }
    resource: Resource
    scope: readonly string[]
    /** Unix seconds. */
    expiresAt: number
    token: string
    lineage: Lineage
    task?: string
    session?: string
  },
): Promise<PreparedChain> {
  const above = parent.leaf.statement
  const { client, resource, task, session, lineage } = call
  if (above.max_depth === 0) refuse('depth_invalid')
  if (call.scope.length === 0) refuse('scope_exceeds_grant')
  const caller =
    (await findAgentBySpiffeId(services, organization, agentOf(above.delegate))) ?? refuse('delegator_unknown')
  const now = nowSeconds(services.clock)
  const exp = Math.min(call.expiresAt, parent.expiresAt)
  if (exp <= now) refuse('expired')
  // Without the resource itself, so that a chain cannot go round in a circle.
  const onward = (above.onward ?? []).filter((audience) => audience !== resource.audience)
  const statement = newStatement(
    {
      iss: caller.agent.spiffeId,
      sub: above.sub,
      delegate: client.instance?.spiffeId ?? client.agent.spiffeId,
      authority: organization.issuer,
      aud: [resource.audience],
      ...(onward.length > 0 && { onward }),
      scope: formatScope(call.scope),
      ...(above.constraints && { constraints: above.constraints }),
      exp,
      max_depth: above.max_depth - 1,
      ...(task !== undefined && { task }),
      ...(session !== undefined && { sid: session }),
      par_hash: parent.leaf.hash,
      evidence: { kind: 'attested', by: client.agent.id, how: 'on_behalf_of', token: call.token },
    },
    now,
  )
  const restsOn = [caller.agent.id, client.agent.id, ...(client.instance ? [client.instance.id] : [])]
  return appendAttested(services, organization, statement, { parent, principal: parent.principal, restsOn, lineage })
}
