import type { WhenStale } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { oncePerRow } from '../store/per_row.ts'
import type { RowOf } from '../store/tables.ts'

/** A protected API or MCP server. */
export type Resource = {
  id: string
  /** Its name in tokens; compared byte by byte. */
  audience: string
  name: string
  kind: 'api' | 'mcp'
  /** What may be asked for here; patterns allowed. */
  scopes: string[]
  tools: Tool[]
  proofMode: 'required' | 'optional'
  /** The lease granted to its enforcement points. */
  maxStalenessMs: number
  whenStale: WhenStale
  /** For `harmless_reads`: what may go on until token expiry. */
  harmlessScopes: string[]
  acceptsAttested: boolean
  /** The `agt_` id that alone may introspect and exchange tokens addressed here. */
  operator?: string
  createdAtMs: number
  /** True for the authority's own API. */
  builtin: boolean
}

/** A tool and the scope a call of it needs. */
export type Tool = { name: string; scope: string }

/** The scopes of the authority's own API. */
export const ownScopes: readonly string[] = ['feed:read', 'delegations:write']

/** The audience of the authority's own API in this organization. */
export function ownAudience(organization: Organization): string {
  return `${organization.issuer}/v1`
}

/** The resource with this audience, the authority's own API included. */
export async function findResource(
  services: Services,
  organization: Organization,
  audience: string,
): Promise<Resource | undefined> {
  if (audience === ownAudience(organization)) return ownApi(organization)
  const row = await services.store.of(organization.id).get('resources', { audience })
  return row && resourceOf(row)
}

export async function findResourceById(
  services: Services,
  organization: Organization,
  id: string,
): Promise<Resource | undefined> {
  const row = await services.store.of(organization.id).get('resources', { id })
  return row && resourceOf(row)
}

const idsAtOnce = 500

/** The operators of these resources, by their ids; those that have none are left out. */
export async function operatorsOf(
  { store }: Pick<Services, 'store'>,
  organization: Organization,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const operators = new Map<string, string>()
  for (let from = 0; from < ids.length; from += idsAtOnce) {
    const values = ids.slice(from, from + idsAtOnce)
    const some = { in: { column: 'id', values }, order: { by: 'id' }, limit: idsAtOnce } as const
    for (const { id, operator } of await store.of(organization.id).list('resources', some)) {
      if (operator !== null) operators.set(id, operator)
    }
  }
  return operators
}

/** Whether this agent runs a resource, and so may read the revocation feed. */
export async function operatesAny(services: Services, organization: Organization, agent: string): Promise<boolean> {
  return (await services.store.of(organization.id).count('resources', { operator: agent })) > 0
}

/** In the order of their ids; the built-in one is not among them. */
export async function listResources(
  services: Services,
  organization: Organization,
  query: {
    after?: string | undefined
    limit: number
    operator?: string | undefined
    audience?: string | undefined
  },
): Promise<Resource[]> {
  const rows = await services.store.of(organization.id).list('resources', {
    where: {
      ...(query.operator !== undefined && { operator: query.operator }),
      ...(query.audience !== undefined && { audience: query.audience }),
    },
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return rows.map(resourceOf)
}

function ownApi(organization: Organization): Resource {
  return {
    id: `rsc_${organization.id.slice('org_'.length)}`,
    audience: ownAudience(organization),
    name: 'Credence',
    kind: 'api',
    scopes: [...ownScopes],
    tools: [],
    proofMode: 'required',
    maxStalenessMs: 0,
    whenStale: 'refuse',
    harmlessScopes: [],
    acceptsAttested: false,
    createdAtMs: organization.createdAtMs,
    builtin: true,
  }
}

const resourceOf = oncePerRow(
  (row: RowOf<'resources'>): Resource => ({
    id: row.id,
    audience: row.audience,
    name: row.name,
    kind: row.kind,
    scopes: JSON.parse(row.scopes) as string[],
    tools: JSON.parse(row.tools) as Tool[],
    proofMode: row.proof_mode,
    maxStalenessMs: row.max_staleness_ms,
    whenStale: row.when_stale as WhenStale,
    harmlessScopes: JSON.parse(row.harmless_scopes) as string[],
    acceptsAttested: row.accepts_attested === 1,
    ...(row.operator !== null && { operator: row.operator }),
    createdAtMs: row.created_at_ms,
    builtin: false,
  }),
)
