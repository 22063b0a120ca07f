import { newId } from '@credence/protocol'
import type { Permission } from '../agents/index.ts'
import { record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import { type ListedPerson, requirePerson } from './person.ts'

export type NewPerson = { name: string; permissions: Permission[]; by: string; traceId?: string | undefined }

export async function registerPerson(
  services: Services,
  organization: Organization,
  { name, permissions, by, traceId }: NewPerson,
): Promise<ListedPerson> {
  const id = newId('psn')
  const row = { id, name, permissions: JSON.stringify(permissions), created_at_ms: services.clock.nowMs() }
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'insert', table: 'people', row, otherwise: 'conflict' }],
    audit: await record(
      services,
      organization,
      { type: 'person.registered', by, subject: id, outcome: 'done', ...(traceId && { trace_id: traceId }) },
      { name, permissions },
    ),
  })
  return requirePerson(services, organization, id)
}
