import { agentOf, type Constraint, isId, newStatement, refuse } from '@credence/protocol'
import { findAgent, findAgentBySpiffeId, findInstance } from '../agents/index.ts'
import { findResource } from '../resources/index.ts'
import { commit, nowSeconds, type Organization, type Services } from '../services.ts'
import { appendAttested } from './append.ts'
import { requireOwn } from './ceilings.ts'
import { loadChain } from './find.ts'
import { partyIds } from './party.ts'
import { findPrincipal } from './principal.ts'
import { type RegisteredChain, recordOfRegistration } from './registered_chain.ts'

/** A hand-over the authority states itself, because an administrator says that the delegator consented. */
export type Attestation = {
  /** `psn_`, `org_` or `agt_` id, or an agent's SPIFFE ID or handle. */
  delegator: string
  /** An agent's or instance's id or SPIFFE ID, or an agent's handle. */
  delegate: string
  aud: string[]
  onward?: string[] | undefined
  scope: string
  constraints?: Constraint[] | undefined
  /** Seconds it lives. */
  lifetimeSeconds?: number | undefined
  maxDepth?: number | undefined
  task?: string | undefined
  /** Hash of the parent statement, when the delegator hands on what it was given. */
  parent?: string | undefined
  /** The administrator. */
  by: string
  traceId?: string
}

/** Signs and registers an attested statement. Refuses as `registerChain` does, and `validation_failed` for names nobody has. */
export async function attest(
  services: Services,
  organization: Organization,
  attestation: Attestation,
): Promise<RegisteredChain> {
  const { config } = services
  const now = nowSeconds(services.clock)
  const iss = await delegatorOf(services, organization, attestation.delegator)
  const delegate = await delegateOf(services, organization, attestation.delegate)
  const parent =
    attestation.parent === undefined ? undefined : await parentOf(services, organization, attestation.parent)
  if (parent !== undefined && parent.expiresAt <= now) refuse('expired')
  if (parent !== undefined && agentOf(parent.leaf.statement.delegate) !== iss) refuse('holder_binding_failed')
  await requireResources(services, organization, [...attestation.aud, ...(attestation.onward ?? [])])

  const lifetime = attestation.lifetimeSeconds ?? config.delegationLifetimeSeconds
  const wanted = now + Math.min(lifetime, config.delegationMaxLifetimeSeconds)
  const { onward, constraints, task = parent?.leaf.statement.task } = attestation
  const statement = newStatement(
    {
      iss,
      sub: parent?.principal.id ?? iss,
      delegate,
      authority: organization.issuer,
      aud: attestation.aud,
      ...(onward && onward.length > 0 && { onward }),
      scope: attestation.scope,
      ...(constraints && { constraints }),
      exp: Math.min(wanted, parent?.expiresAt ?? wanted),
      max_depth: attestation.maxDepth ?? 0,
      ...(task !== undefined && { task }),
      ...(parent?.leaf.statement.sid !== undefined && { sid: parent.leaf.statement.sid }),
      ...(parent && { par_hash: parent.leaf.hash }),
      evidence: { kind: 'attested', by: attestation.by, how: 'administrator' },
    },
    now,
  )
  const { principal, own } = await findPrincipal(services, organization, statement.sub)
  if (parent === undefined) requireOwn(own, statement)
  const delegator = parent === undefined ? principal : (await findPrincipal(services, organization, iss)).principal
  // The administrator's word is all there is: when that is worth nothing any more, neither is this.
  const delegates = await partyIds(services, organization, delegate)
  const restsOn = [delegator.standingId, attestation.by, ...delegates]
  const prepared = await appendAttested(services, organization, statement, { parent, principal, restsOn })
  const { steps, fresh: _fresh, ...chain } = prepared
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'alive', lineage: chain.lineage, otherwise: 'revoked' }, ...steps],
    audit: await recordOfRegistration(services, organization, prepared, attestation),
  })
  return chain
}

async function delegatorOf(services: Services, organization: Organization, named: string): Promise<string> {
  if (isId(named, 'psn') || named === organization.id) return named
  const agent = named.startsWith('spiffe://')
    ? await findAgentBySpiffeId(services, organization, named)
    : { agent: await findAgent(services, organization, named) }
  return agent?.agent?.spiffeId ?? refuse('validation_failed', { detail: 'There is no such delegator.' })
}

async function delegateOf(services: Services, organization: Organization, named: string): Promise<string> {
  const unknown = () => refuse('validation_failed', { detail: 'There is no such delegate.' })
  if (named.startsWith('spiffe://')) {
    const found = await findAgentBySpiffeId(services, organization, named)
    return found?.instance?.spiffeId ?? found?.agent.spiffeId ?? unknown()
  }
  if (isId(named, 'ins')) return (await findInstance(services, organization, named))?.spiffeId ?? unknown()
  return (await findAgent(services, organization, named))?.spiffeId ?? unknown()
}

async function parentOf(services: Services, organization: Organization, hash: string): Promise<RegisteredChain> {
  return (await loadChain(services, organization, hash)) ?? refuse('delegation_unknown')
}

async function requireResources(services: Services, organization: Organization, audiences: string[]): Promise<void> {
  for (const audience of audiences) {
    if ((await findResource(services, organization, audience)) === undefined) {
      refuse('validation_failed', { detail: 'aud and onward: not a resource of this organization.' })
    }
  }
}
