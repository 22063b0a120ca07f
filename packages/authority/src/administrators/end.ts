import { refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { type Revoked, revoke } from '../revocation/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'
import { stillAdministers } from './add.ts'

type End = { id: string; by: string; traceId?: string | undefined }

/**
 * Ends an administrator; its secret is worth nothing from then on. Nobody ends itself, so that one always stays. What it
 * attested stands: `endWithAttestations` ends that too.
 * Refuses `not_found`, `already_ended`, `conflict` for oneself.
 */
export async function endAdministrator(services: Services, organization: Organization, end: End): Promise<void> {
  const { id, by, traceId } = end
  await requireOther(services, organization, end)
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

/**
 * Ends an administrator, and then everything the authority ever stated on its word: its id is in the lineage of that, so one
 * fact ends all of it at once, tokens included. For one that has ended already it is not too late.
 * Refuses `not_found`, `conflict` for oneself.
 */
export async function endWithAttestations(
  services: Services,
  organization: Organization,
  end: End & { cause: string },
): Promise<Revoked> {
  const { id, by, cause, traceId } = end
  const { ended_at_ms } = await requireOther(services, organization, end)
  // First, so that nothing more is attested. Each of the two has its own record.
  if (ended_at_ms === null) await endAdministrator(services, organization, end)
  const audit = traceId ? { trace_id: traceId } : {}
  return revoke(services, organization, { id, cause, by, steps: [stillAdministers(by)], audit })
}

async function requireOther(
  services: Services,
  organization: Organization,
  { id, by }: End,
): Promise<RowOf<'administrators'>> {
  if (id === by) refuse('conflict', { detail: 'Nobody ends itself: let another administrator do it.' })
  return (await services.store.of(organization.id).get('administrators', { id })) ?? refuse('not_found')
}
