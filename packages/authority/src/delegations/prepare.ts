import {
  delegationId,
  KnownStatements,
  type Lineage,
  refuse,
  refuseCumulative,
  type Statement,
  type VerifiedHop,
  verifyChain,
} from '@credence/protocol'
import { publicKeyOf } from '../agents/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import { joinLineages, lookup, stampLineage } from '../tokens/index.ts'
import { requireOwn } from './ceilings.ts'
import { type Delegator, findDelegator, requireAlive, signedUntil } from './delegator.ts'
import { lineageOf } from './lineage_of.ts'
import { partyIds } from './party.ts'
import { findPrincipal } from './principal.ts'
import { type PreparedChain, type RegisteredHop, registrationSteps } from './registered_chain.ts'

type Known = ReadonlyMap<string, RowOf<'delegations'>>

/** Of all organizations: a text says itself for which authority it is meant, and its key whose it is. */
const knownStatements = new KnownStatements(4_000)

/** Finds who signed a statement, each once; nobody when the authority attests it. */
type FindSigner = (statement: Statement, kid: string) => Promise<Delegator | undefined>

/**
 * Checks a whole chain (root first), and makes ready what registers the hops not known yet. What is known stays as it was
 * stamped. Whether all of it still stands is asked by the command that relies on it: `alive` on the chain's lineage.
 *
 * `holder`: who presents it, as authenticated. Refuses with the codes of `verifyChain`, `expired` also when a key that signed
 * a hop, or the instance it belongs to, is past its end; and for unknown hops
 * `delegator_unknown`, `scope_not_granted`, `cumulative_unsupported`, `delegation_unknown` (attested, and not by us), `revoked`.
 */
export async function prepareChain(
  services: Services,
  organization: Organization,
  statements: readonly string[],
  holder?: { agent: string; instance?: string },
): Promise<PreparedChain> {
  const { config, clock } = services
  const signerOf = finder(services, organization)
  const { hops } = await verifyChain(statements, {
    authority: organization.issuer,
    now: nowSeconds(clock),
    toleranceSeconds: config.clockToleranceSeconds,
    maxDepth: config.delegationMaxDepth,
    keyOf: async (_who, kid, statement) => {
      if (statement.evidence.kind === 'attested') return lookup(services, organization)(organization.issuer, kid)
      const signer = await signerOf(statement, kid)
      return signer && publicKeyOf(signer.credential)
    },
    known: knownStatements,
    ...(holder && { holder }),
  })
  watchDepth(services, organization, hops.length)
  const known = await findKnown(services, organization, hops)
  const { principal, own } = await findPrincipal(services, organization, (hops[0] as VerifiedHop).statement.sub)

  let lineage: Lineage = []
  let expiresAt = Number.POSITIVE_INFINITY
  const steps: Step[] = []
  const fresh: string[] = []
  for (const [depth, hop] of hops.entries()) {
    const row = known.get(hop.hash)
    const signer = await signerOf(hop.statement, hop.kid)
    expiresAt = Math.min(expiresAt, row?.expires_at ?? hop.statement.exp, signedUntil(hop.statement, signer))
    if (row !== undefined) {
      lineage = lineageOf(row)
      continue
    }
    if (depth === 0) requireOwn(own, hop.statement)
    const ids = await firstSight(services, organization, hop, { signer, parent: hops[depth - 1] })
    const restsOn = [organization.id, principal.standingId, ...ids]
    lineage = joinLineages(lineage, await stampLineage(services, organization, restsOn, hop.statement.iat))
    steps.push(...registrationSteps(registered(hop), { depth, lineage, expiresAt, nowMs: clock.nowMs() }))
    fresh.push(delegationId(hop.hash))
  }
  if (expiresAt <= nowSeconds(clock)) refuse('expired')
  const all = hops.map(registered)
  return { hops: all, leaf: all.at(-1) as RegisteredHop, principal, lineage, expiresAt, steps, fresh }
}

/** The rules for a statement nobody has shown before. Answers the ids whose end must end it. */
async function firstSight(
  services: Services,
  organization: Organization,
  { statement, hash }: VerifiedHop,
  { signer, parent }: { signer: Delegator | undefined; parent: VerifiedHop | undefined },
): Promise<string[]> {
  // What the authority attests it registers in the moment it signs; one it does not know, a restored backup has lost.
  if (statement.evidence.kind !== 'signed') refuse('delegation_unknown')
  if (statement.exp - statement.iat > services.config.delegationMaxLifetimeSeconds) {
    refuse('malformed', { detail: 'A delegation lives longer than this authority allows.' })
  }
  refuseCumulative(statement.constraints ?? [])
  const { holder, credential, instance } = requireAlive(services, signer, statement)
  // What was given to one instance, that instance hands on; another copy of the same agent was not given it.
  if (parent && parent.statement.delegate !== statement.iss && parent.statement.delegate !== instance?.spiffeId) {
    refuse('holder_binding_failed')
  }
  const delegate = await partyIds(services, organization, statement.delegate)
  return [holder, credential.id, delegationId(hash), ...(instance ? [instance.id] : []), ...delegate]
}

function finder(services: Services, organization: Organization): FindSigner {
  const found = new Map<string, ReturnType<FindSigner>>()
  return async ({ iss: by, evidence }, kid) => {
    if (evidence.kind === 'attested') return undefined
    const key = JSON.stringify([by, kid])
    const finding = found.get(key) ?? findDelegator(services, organization, { by, kid })
    found.set(key, finding)
    return finding
  }
}

async function findKnown(services: Services, organization: Organization, hops: readonly VerifiedHop[]): Promise<Known> {
  const reads = services.store.of(organization.id)
  const rows = await Promise.all(hops.map(({ hash }) => reads.get('delegations', { hash })))
  return new Map(rows.flatMap((row) => (row ? [[row.hash, row] as const] : [])))
}

function registered({ statement, hash, kid, compact }: VerifiedHop): RegisteredHop {
  return { id: delegationId(hash), hash, kid, statement, compact, evidence: statement.evidence }
}

/** Long chains are rarely meant: say so before the limit is reached. */
export function watchDepth({ config, log, telemetry }: Services, organization: Organization, hops: number): void {
  if (hops < config.delegationMaxDepth - 1) return
  telemetry.count('credence.delegation.depth_near_limit')
  const words = { organization: organization.id, hops, limit: config.delegationMaxDepth }
  log.warn(words, 'a delegation chain is near the most hops allowed')
}
