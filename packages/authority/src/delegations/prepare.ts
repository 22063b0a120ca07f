import {
  importPublicKey,
  type Lineage,
  type PublicKey,
  refuse,
  refuseCumulative,
  type Statement,
  type VerifiedHop,
  verifyChain,
} from '@credence/protocol'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import { joinLineages, lookup, stampLineage } from '../tokens/index.ts'
import { requireOwn } from './ceilings.ts'
import { findDelegator, requireAlive } from './delegator.ts'
import { findPrincipal } from './principal.ts'
import { type PreparedChain, type RegisteredHop, registrationSteps } from './registered_chain.ts'

type Known = ReadonlyMap<string, RowOf<'delegations'>>

/**
 * Checks a whole chain (root first), and makes ready what registers the hops not known yet. What is known stays as it was
 * stamped. Whether all of it still stands is asked by the command that relies on it: `alive` on the chain's lineage.
 *
 * `holder`: who presents it, as authenticated. Refuses with the codes of `verifyChain`; and for unknown hops
 * `delegator_unknown`, `scope_not_granted`, `cumulative_unsupported`, `delegation_unknown` (attested, and not by us), `revoked`.
 */
export async function prepareChain(
  services: Services,
  organization: Organization,
  statements: readonly string[],
  holder?: { agent: string; instance?: string },
): Promise<PreparedChain> {
  const { config, clock } = services
  const { hops } = await verifyChain(statements, {
    authority: organization.issuer,
    now: nowSeconds(clock),
    toleranceSeconds: config.clockToleranceSeconds,
    maxDepth: config.delegationMaxDepth,
    keyOf: (who, kid, statement) => keyOf(services, organization, { who, kid, statement }),
    ...(holder && { holder }),
  })
  watchDepth(services, organization, hops.length)
  const known = await findKnown(services, organization, hops)
  const { principal, own } = await findPrincipal(services, organization, (hops[0] as VerifiedHop).statement.sub)

  let lineage: Lineage = []
  const steps: Step[] = []
  const fresh: string[] = []
  for (const [depth, hop] of hops.entries()) {
    const row = known.get(hop.hash)
    if (row !== undefined) {
      lineage = JSON.parse(row.lineage) as Lineage
      continue
    }
    if (depth === 0) requireOwn(own, hop.statement)
    const ids = await firstSight(services, organization, hop, hops[depth - 1])
    const stamped = await stampLineage(services, organization, [organization.id, principal.standingId, ...ids])
    lineage = joinLineages(lineage, stamped)
    steps.push(...registrationSteps(registered(hop), { depth, lineage, nowMs: clock.nowMs() }))
    fresh.push(hop.statement.jti)
  }
  const all = hops.map(registered)
  return { hops: all, leaf: all.at(-1) as RegisteredHop, principal, lineage, steps, fresh }
}

/** The rules for a statement nobody has shown before. Answers the ids whose end must end it. */
async function firstSight(
  services: Services,
  organization: Organization,
  { statement, kid }: VerifiedHop,
  parent: VerifiedHop | undefined,
): Promise<string[]> {
  // What the authority attests it registers in the moment it signs; one it does not know, a restored backup has lost.
  if (statement.evidence.kind !== 'signed') refuse('delegation_unknown')
  if (statement.exp - statement.iat > services.config.delegationMaxLifetimeSeconds) {
    refuse('malformed', { detail: 'A delegation lives longer than this authority allows.' })
  }
  refuseCumulative(statement.constraints ?? [])
  const found = await findDelegator(services, organization, { by: statement.iss, kid })
  const { holder, credential, instance } = requireAlive(services, found, statement)
  // What was given to one instance, that instance hands on; another copy of the same agent was not given it.
  if (parent && parent.statement.delegate !== statement.iss && parent.statement.delegate !== instance?.spiffeId) {
    refuse('holder_binding_failed')
  }
  return [holder, credential.id, statement.jti, ...(instance ? [instance.id] : [])]
}

async function keyOf(
  services: Services,
  organization: Organization,
  { who, kid, statement }: { who: string; kid: string; statement: Statement },
): Promise<PublicKey | undefined> {
  if (statement.evidence.kind === 'attested') return lookup(services, organization)(organization.issuer, kid)
  const delegator = await findDelegator(services, organization, { by: who, kid })
  const jwk = delegator?.credential.publicJwk
  return jwk && importPublicKey(jwk, kid)
}

async function findKnown(services: Services, organization: Organization, hops: readonly VerifiedHop[]): Promise<Known> {
  const rows = await services.store.of(organization.id).list('delegations', {
    in: { column: 'hash', values: hops.map(({ hash }) => hash) },
    order: { by: 'id' },
    limit: hops.length,
  })
  return new Map(rows.map((row) => [row.hash, row]))
}

function registered({ statement, hash, compact }: VerifiedHop): RegisteredHop {
  return { id: statement.jti, hash, statement, compact, evidence: statement.evidence }
}

/** Long chains are rarely meant: say so before the limit is reached. */
export function watchDepth({ config, log, telemetry }: Services, organization: Organization, hops: number): void {
  if (hops < config.delegationMaxDepth - 1) return
  telemetry.count('credence.delegation.depth_near_limit')
  const words = { organization: organization.id, hops, limit: config.delegationMaxDepth }
  log.warn(words, 'a delegation chain is near the most hops allowed')
}
