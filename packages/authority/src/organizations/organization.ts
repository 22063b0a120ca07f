import type { Algorithm } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { RowOfOrganization } from '../store/port.ts'

export async function findOrganizationByHandle(services: Services, handle: string): Promise<Organization | undefined> {
  const row = await services.store.global.organizationByHandle(handle)
  return row && organizationOf(row)
}

/** In the order of their ids; `after` is an id. */
export async function listOrganizations(
  services: Services,
  query: { after?: string | undefined; limit: number },
): Promise<Organization[]> {
  const { after, limit } = query
  const rows = await services.store.global.organizations(after === undefined ? { limit } : { after, limit })
  return rows.map(organizationOf)
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
