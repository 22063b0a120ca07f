import { type Lineage, narrows, readStatement, refuse, type Statement, signStatement } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { activeKey, joinLineages, stampLineage } from '../tokens/index.ts'
import { watchDepth } from './prepare.ts'
import type { Principal } from './principal.ts'
import { type PreparedChain, type RegisteredChain, registrationSteps } from './registered_chain.ts'

/**
 * Signs a statement that the authority attests, as the next hop of a registered chain or as a root. The same rules hold as
 * for a signed one. `restsOn`: ids whose end must end it, the delegator's above all; `lineage`: of a token it rests on.
 */
export async function appendAttested(
  services: Services,
  organization: Organization,
  statement: Statement,
  over: { parent: RegisteredChain | undefined; principal: Principal; restsOn: readonly string[]; lineage?: Lineage },
): Promise<PreparedChain> {
  const { parent, principal } = over
  const depth = parent?.hops.length ?? 0
  if (depth >= services.config.delegationMaxDepth) refuse('depth_invalid')
  if (parent !== undefined) requireNarrower(parent.leaf.statement, statement)
  watchDepth(services, organization, depth + 1)

  const key = await activeKey(services, organization)
  const compact = await signStatement(key, statement)
  const { id, hash, kid } = await readStatement(compact)
  const hop = { id, hash, kid, statement, compact, evidence: statement.evidence }
  // The signing key is part of the lineage: once it is revoked, nobody can tell our attestation from a forged one.
  const ids = [organization.id, principal.standingId, ...over.restsOn, kid, id]
  const stamped = await stampLineage(services, organization, ids)
  const lineage = joinLineages(parent?.lineage ?? [], over.lineage ?? [], stamped)
  const expiresAt = Math.min(statement.exp, parent?.expiresAt ?? statement.exp)
  return {
    hops: [...(parent?.hops ?? []), hop],
    leaf: hop,
    principal,
    lineage,
    expiresAt,
    steps: registrationSteps(hop, { depth, lineage, expiresAt, nowMs: services.clock.nowMs() }),
    fresh: [hop.id],
  }
}

function requireNarrower(parent: Statement, child: Statement): void {
  if (parent.max_depth === 0) refuse('depth_invalid')
  const wider = narrows(parent, child)
  if (wider !== undefined) refuse('not_narrower', { detail: wider })
}
