import { coversAll, isAudience, newId, refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { aliveNow, commit, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import { findResourceById, type Resource } from './resource.ts'

/** What may be said about a resource, now and later. */
export type ResourceWords = Pick<
  Resource,
  'name' | 'scopes' | 'tools' | 'proofMode' | 'maxStalenessMs' | 'whenStale' | 'harmlessScopes' | 'acceptsAttested'
> & {
  /** `agt_` id; null: nobody. */
  operator: string | null
}

export type NewResource = ResourceWords & {
  audience: string
  kind: Resource['kind']
  by: string
  traceId?: string | undefined
}

/** Refuses `audience_invalid`, `audience_taken`, `operator_unknown`, and `validation_failed` for scopes that do not fit. */
export async function registerResource(
  services: Services,
  organization: Organization,
  wanted: NewResource,
): Promise<Resource> {
  const { audience, kind, by, traceId } = wanted
  // Nothing else may be called as the authority is.
  const ownName = audience === organization.issuer || audience.startsWith(`${organization.issuer}/`)
  if (!isAudience(audience) || ownName) refuse('audience_invalid')
  checkWords(wanted)
  const id = newId('rsc')
  const row = { id, audience, kind, ...columnsOf(wanted), created_at_ms: services.clock.nowMs() }
  await commit(services, {
    organization: organization.id,
    steps: [...operatorSteps(wanted.operator), { do: 'insert', table: 'resources', row, otherwise: 'audience_taken' }],
    audit: await record(
      services,
      organization,
      {
        type: 'resource.registered',
        by,
        subject: id,
        resource: audience,
        outcome: 'done',
        ...(traceId && { trace_id: traceId }),
      },
      { kind, ...columnsOf(wanted) },
    ),
  })
  return (await findResourceById(services, organization, id)) ?? refuse('internal_error')
}

/** Refuses scopes that do not fit each other. */
export function checkWords({ scopes, tools, harmlessScopes }: ResourceWords): void {
  const names = new Set(tools.map(({ name }) => name))
  if (names.size < tools.length) refuse('validation_failed', { detail: 'body.tools names a tool twice.' })
  const needed = tools.map(({ scope }) => scope)
  if (!coversAll(scopes, needed)) {
    refuse('validation_failed', { detail: "body.tools needs a scope that is not among the resource's scopes." })
  }
  if (!coversAll(scopes, harmlessScopes)) {
    refuse('validation_failed', { detail: "body.harmless_scopes has one that is not among the resource's scopes." })
  }
}

type Columns = Omit<RowOf<'resources'>, 'id' | 'audience' | 'kind' | 'created_at_ms'>

export function columnsOf(words: ResourceWords): Columns {
  return {
    name: words.name,
    scopes: JSON.stringify(words.scopes),
    tools: JSON.stringify(words.tools),
    proof_mode: words.proofMode,
    max_staleness_ms: words.maxStalenessMs,
    when_stale: words.whenStale,
    harmless_scopes: JSON.stringify(words.harmlessScopes),
    accepts_attested: words.acceptsAttested ? 1 : 0,
    operator: words.operator,
  }
}

export function operatorSteps(operator: string | null): Step[] {
  if (operator === null) return []
  return [
    { do: 'require', table: 'agents', where: { id: operator, status: 'active' }, otherwise: 'operator_unknown' },
    { do: 'alive', lineage: aliveNow(operator), otherwise: 'operator_unknown' },
  ]
}
