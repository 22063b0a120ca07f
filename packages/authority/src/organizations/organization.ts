import type { Algorithm } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { RowOfOrganization } from '../store/port.ts'

export async function findOrganizationByHandle(services: Services, handle: string): Promise<Organization | undefined> {
  const row = await services.store.global.organizationByHandle(handle)
  return row && organizationOf(row)
}

/** With what may change. */
export type ListedOrganization = Organization & {
  /** Since when the installation holds it stopped, Unix milliseconds. */
  suspendedAtMs?: number
}

export async function findOrganization(services: Services, id: string): Promise<ListedOrganization | undefined> {
  const row = await services.store.global.organizationById(id)
  return row && listed(row)
}

/** In the order of their ids; `after` is an id. */
export async function listOrganizations(
  services: Services,
  query: { after?: string | undefined; limit: number },
): Promise<ListedOrganization[]> {
  const { after, limit } = query
  const rows = await services.store.global.organizations(after === undefined ? { limit } : { after, limit })
  return rows.map(listed)
}

function listed(row: RowOfOrganization): ListedOrganization {
  const { suspended_at_ms: suspendedAtMs } = row
  return { ...organizationOf(row), ...(suspendedAtMs !== null && { suspendedAtMs }) }
}

function organizationOf(row: RowOfOrganization): Organization {
  return {
    id: row.organization,
    handle: row.handle,
    issuer: row.issuer,
    trustDomain: row.trust_domain,
    displayName: row.display_name,
    signingAlgorithm: row.signing_algorithm as Algorithm,
    createdAtMs: row.created_at_ms,
  }
}
