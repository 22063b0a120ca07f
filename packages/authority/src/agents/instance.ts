import type { Organization, Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'

/** One running copy of an agent. */
export type Instance = {
  id: string
  /** The `agt_` id of what it is a copy of. */
  agent: string
  spiffeId: string
  version: string
  createdAtMs: number
  /** Unix seconds. */
  expiresAt: number
  /** False once revoked; an instance past `expiresAt` may still be alive here. */
  alive: boolean
  epoch: number
}

export async function findInstance(
  services: Services,
  organization: Organization,
  id: string,
): Promise<Instance | undefined> {
  const row = await services.store.of(organization.id).get('instances', { id })
  return row && (await withStanding(services, organization, [row]))[0]
}

/** In the order of their ids. */
export async function listInstances(
  services: Services,
  organization: Organization,
  query: { agent: string; after?: string | undefined; limit: number },
): Promise<Instance[]> {
  const rows = await services.store.of(organization.id).list('instances', {
    where: { agent: query.agent },
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return withStanding(services, organization, rows)
}

async function withStanding(
  services: Services,
  organization: Organization,
  rows: ReadonlyArray<RowOf<'instances'>>,
): Promise<Instance[]> {
  const standings = await services.store.of(organization.id).standing(rows.map((row) => row.id))
  const standingOf = new Map(standings.map((standing) => [standing.id, standing]))
  return rows.map((row) => {
    const standing = standingOf.get(row.id)
    return {
      id: row.id,
      agent: row.agent,
      spiffeId: row.spiffe_id,
      version: row.version,
      createdAtMs: row.created_at_ms,
      expiresAt: row.expires_at,
      alive: standing === undefined || standing.alive === 1,
      epoch: standing?.epoch ?? 0,
    }
  })
}
