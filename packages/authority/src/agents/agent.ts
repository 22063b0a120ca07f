import { isId, type RefusalCode, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { oncePerRow } from '../store/per_row.ts'
import type { RowOf } from '../store/tables.ts'
import type { CredentialPolicy } from './credential_policy.ts'
import { findInstance, type Instance } from './instance.ts'

/** What a principal or an agent may do at one resource, whoever asks. `scope`: space separated, patterns allowed. */
export type Permission = { resource: string; scope: string }

export type AgentStatus = 'active' | 'suspended' | 'retired'

/** A registered piece of autonomous software. */
export type Agent = {
  id: string
  handle: string
  /** Its one identity, and its OAuth `client_id`. */
  spiffeId: string
  /** The person who answers for it. */
  owner: string
  purpose: string
  version: string
  /** Scope patterns it may ever hold, whatever is delegated to it. */
  capabilities: string[]
  /** What it may do for itself. */
  permissions: Permission[]
  credentialPolicy: CredentialPolicy
  status: AgentStatus
  /** Tokens stamped with a lower one are dead. */
  epoch: number
  createdAtMs: number
}

/** The agent with this `agt_` id or this handle. */
export async function findAgent(
  services: Services,
  organization: Organization,
  idOrHandle: string,
): Promise<Agent | undefined> {
  const where = isId(idOrHandle, 'agt') ? { id: idOrHandle } : { handle: idOrHandle }
  const row = await services.store.of(organization.id).get('agents', where)
  return row && (await withStanding(services, organization, [row]))[0]
}

/** As `findAgent`, refusing when there is none. */
export async function requireAgent(
  services: Services,
  organization: Organization,
  idOrHandle: string,
  otherwise: RefusalCode = 'not_found',
): Promise<Agent> {
  return (await findAgent(services, organization, idOrHandle)) ?? refuse(otherwise)
}

/** Whom a SPIFFE ID names: an agent, or one instance of one. Byte-equal, so no spelling but the registered one. */
export async function findAgentBySpiffeId(
  services: Services,
  organization: Organization,
  spiffeId: string,
): Promise<{ agent: Agent; instance?: Instance } | undefined> {
  const reads = services.store.of(organization.id)
  const row = await reads.get('agents', { spiffe_id: spiffeId })
  if (row) {
    const [agent] = await withStanding(services, organization, [row])
    return agent && { agent }
  }
  const instanceRow = await reads.get('instances', { spiffe_id: spiffeId })
  if (!instanceRow) return undefined
  const [agent, instance] = await Promise.all([
    findAgent(services, organization, instanceRow.agent),
    findInstance(services, organization, instanceRow.id),
  ])
  return agent && instance && { agent, instance }
}

/** In the order of their ids. */
export async function listAgents(
  services: Services,
  organization: Organization,
  query: { after?: string | undefined; limit: number; owner?: string | undefined },
): Promise<Agent[]> {
  const rows = await services.store.of(organization.id).list('agents', {
    ...(query.owner !== undefined && { where: { owner: query.owner } }),
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return withStanding(services, organization, rows)
}

/** Standing is the one truth about suspension: a kill switch elsewhere must show here too. Only retirement is the row's own. */
async function withStanding(
  services: Services,
  organization: Organization,
  rows: ReadonlyArray<RowOf<'agents'>>,
): Promise<Agent[]> {
  const standings = await services.store.of(organization.id).standing(rows.map((row) => row.id))
  const standingOf = new Map(standings.map((standing) => [standing.id, standing]))
  return rows.map((row) => {
    const standing = standingOf.get(row.id)
    const alive = standing === undefined || standing.alive === 1
    const status = row.status === 'retired' ? 'retired' : alive ? 'active' : 'suspended'
    return { ...lastingOf(row), status, epoch: standing?.epoch ?? 0 }
  })
}

const lastingOf = oncePerRow(
  (row: RowOf<'agents'>): Omit<Agent, 'status' | 'epoch'> => ({
    id: row.id,
    handle: row.handle,
    spiffeId: row.spiffe_id,
    owner: row.owner,
    purpose: row.purpose,
    version: row.version,
    capabilities: JSON.parse(row.capabilities) as string[],
    permissions: JSON.parse(row.permissions) as Permission[],
    credentialPolicy: JSON.parse(row.credential_policy) as CredentialPolicy,
    createdAtMs: row.created_at_ms,
  }),
)
