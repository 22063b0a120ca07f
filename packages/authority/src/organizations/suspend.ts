import { refuse } from '@credence/protocol'
import { type Revoked, restore, revoke } from '../revocation/index.ts'
import type { Organization, Services } from '../services.ts'

type Deed = { by: string; traceId?: string | undefined }

/**
 * Stops an organization whole, by the installation: every token of it is dead, and none is issued until the installation
 * resumes it. Its own administrators cannot. Refuses `already_ended` when the installation holds it stopped already.
 */
export function suspendOrganization(
  services: Services,
  organization: Organization,
  { by, cause, traceId }: Deed & { cause: string },
): Promise<Revoked> {
  return revoke(services, organization, {
    id: organization.id,
    cause,
    by,
    steps: [
      {
        do: 'update',
        table: 'organizations',
        where: { suspended_at_ms: null },
        set: { suspended_at_ms: services.clock.nowMs() },
        otherwise: 'already_ended',
      },
    ],
    audit: traceId ? { trace_id: traceId } : {},
  })
}

/**
 * Lets an organization that the installation stopped work again, with new tokens and statements. Refuses `conflict` for one
 * that the installation did not stop.
 */
export async function resumeOrganization(
  services: Services,
  organization: Organization,
  { by, traceId }: Deed,
): Promise<void> {
  const row = await services.store.global.organizationById(organization.id)
  const held = row?.suspended_at_ms ?? refuse('conflict')
  await restore(services, organization, {
    id: organization.id,
    by,
    steps: [
      {
        do: 'update',
        table: 'organizations',
        where: { suspended_at_ms: held },
        set: { suspended_at_ms: null },
        otherwise: 'conflict',
      },
    ],
    audit: traceId ? { trace_id: traceId } : {},
  })
}
