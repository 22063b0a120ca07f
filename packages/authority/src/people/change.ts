import type { Permission } from '../agents/index.ts'
import { record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import { type ListedPerson, requirePerson } from './person.ts'

/** What stays as it is is left out. */
export type PersonChange = { name?: string | undefined; permissions?: Permission[] | undefined }

/** Changes a person's record. Permissions taken away are gone from every delegation of theirs at the next token. */
export async function changePerson(
  services: Services,
  organization: Organization,
  person: ListedPerson,
  { name, permissions, by, traceId }: PersonChange & { by: string; traceId?: string | undefined },
): Promise<ListedPerson> {
  const set = {
    ...(name !== undefined && { name }),
    ...(permissions && { permissions: JSON.stringify(permissions) }),
  }
  if (Object.keys(set).length === 0) return person
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'update', table: 'people', where: { id: person.id }, set, otherwise: 'not_found' }],
    audit: await record(
      services,
      organization,
      { type: 'person.changed', by, subject: person.id, outcome: 'done', ...(traceId && { trace_id: traceId }) },
      { change: set },
    ),
  })
  return requirePerson(services, organization, person.id)
}
