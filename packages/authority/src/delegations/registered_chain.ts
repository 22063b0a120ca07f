import type { Evidence, Lineage, Statement } from '@credence/protocol'
import { record } from '../audit/index.ts'
import type { Organization, Services } from '../services.ts'
import type { AuditRecord, Step } from '../store/port.ts'
import type { Principal } from './principal.ts'

/** One statement the authority knows. `id` is its `dlg_` id; `kid`: the key that signed it. */
export type RegisteredHop = {
  id: string
  hash: string
  kid: string
  statement: Statement
  compact: string
  evidence: Evidence
}

/**
 * A chain the authority knows, root first, never empty. `lineage`: of the leaf, its ancestors' included, with the epochs
 * stamped at registration. `expiresAt` (Unix seconds): the earliest end of a statement, or of a key that signed one.
 */
export type RegisteredChain = {
  hops: RegisteredHop[]
  leaf: RegisteredHop
  principal: Principal
  lineage: Lineage
  expiresAt: number
}

/** A checked chain and the rows that make its unknown hops known; they belong into the command that relies on it. */
export type PreparedChain = RegisteredChain & { steps: Step[]; fresh: string[] }

/** The rows of a statement seen for the first time. Whoever registers the same one at the same moment is no conflict. */
export function registrationSteps(
  hop: RegisteredHop,
  at: { depth: number; lineage: Lineage; expiresAt: number; nowMs: number },
): Step[] {
  const { id, hash, statement, compact, evidence } = hop
  const row = {
    id,
    hash,
    parent_hash: statement.par_hash ?? null,
    statement: compact,
    evidence: JSON.stringify(evidence),
    principal: statement.sub,
    delegator: statement.iss,
    delegate: statement.delegate,
    attested_by: evidence.kind === 'attested' ? evidence.by : null,
    depth: at.depth,
    lineage: JSON.stringify(at.lineage),
    expires_at: at.expiresAt,
    created_at_ms: at.nowMs,
  }
  return [
    { do: 'insert_if_absent', table: 'delegations', row },
    { do: 'require', table: 'delegations', where: { id, hash }, otherwise: 'conflict' },
  ]
}

/** The audit record of the command that makes a chain's fresh hops known. `by`: who handed it in, or attested it. */
export function recordOfRegistration(
  services: Services,
  organization: Organization,
  { hops, leaf, principal, fresh }: PreparedChain,
  { by, traceId }: { by: string; traceId?: string | undefined },
): Promise<AuditRecord> {
  const { scope, task, sid } = leaf.statement
  return record(services, organization, {
    type: 'delegation.registered',
    by,
    principal: principal.id,
    chain: hops.map(({ hash }) => hash),
    subject: leaf.id,
    scope,
    count: fresh.length,
    outcome: 'done',
    ...(task !== undefined && { task }),
    ...(sid !== undefined && { sid }),
    ...(traceId !== undefined && { trace_id: traceId }),
  })
}
