import { refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import { stillAdministers } from './add.ts'

/**
 * Ends an administrator; its secret is worth nothing from then on. Nobody ends itself, so that one always stays.
 * Refuses `not_found`, `already_ended`, `conflict` for oneself.
 */
export async function endAdministrator(
  services: Services,
  organization: Organization,
  { id, by, traceId }: { id: string; by: string; traceId?: string | undefined },
): Promise<void> {
  if (id === by) refuse('conflict', { detail: 'Nobody ends itself: let another administrator do it.' })
  if (!(await services.store.of(organization.id).get('administrators', { id }))) refuse('not_found')
  await commit(services, {
    organization: organization.id,
    steps: [
      stillAdministers(by),
      {
        do: 'update',
        table: 'administrators',
        where: { id, ended_at_ms: null },
        set: { ended_at_ms: services.clock.nowMs() },
        otherwise: 'already_ended',
      },
    ],
    audit: await record(services, organization, {
      type: 'administrator.ended',
      by,
      subject: id,
      outcome: 'done',
      ...(traceId && { trace_id: traceId }),
    }),
  })
}
