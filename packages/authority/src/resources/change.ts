import { refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import { checkWords, columnsOf, operatorSteps, type ResourceWords } from './register.ts'
import { findResourceById, type Resource } from './resource.ts'

/** What stays as it is is left out. */
export type ResourceChange = { [Word in keyof ResourceWords]?: ResourceWords[Word] | undefined }

/** Refuses `conflict` when somebody else changed it meanwhile, and what `registerResource` refuses. */
export async function changeResource(
  services: Services,
  organization: Organization,
  resource: Resource,
  { by, traceId, ...change }: ResourceChange & { by: string; traceId?: string | undefined },
): Promise<Resource> {
  const before: ResourceWords = { ...resource, operator: resource.operator ?? null }
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  if (given.length === 0) return resource
  const after: ResourceWords = { ...before, ...Object.fromEntries(given) }
  checkWords(after)
  const { id, audience } = resource
  const operator = after.operator === before.operator ? null : after.operator
  await commit(services, {
    organization: organization.id,
    steps: [
      ...operatorSteps(operator),
      {
        do: 'update',
        table: 'resources',
        where: { id, ...columnsOf(before) },
        set: columnsOf(after),
        otherwise: 'conflict',
      },
    ],
    audit: await record(
      services,
      organization,
      {
        type: 'resource.changed',
        by,
        subject: id,
        resource: audience,
        outcome: 'done',
        ...(traceId && { trace_id: traceId }),
      },
      { change: columnsOf(after) },
    ),
  })
  return (await findResourceById(services, organization, id)) ?? refuse('internal_error')
}
