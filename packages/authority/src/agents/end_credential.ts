import { type Revoked, revoke } from '../revocation/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Credential } from './credential.ts'
import type { Stop } from './suspend.ts'

/** Ends a credential of an agent or a person for good, and every token obtained with it. Refuses `already_ended`. */
export function endCredential(
  services: Services,
  organization: Organization,
  { id, holder }: Credential,
  { by, cause, traceId }: Stop,
): Promise<Revoked> {
  return revoke(services, organization, {
    id,
    cause,
    by,
    steps: [
      {
        do: 'update',
        table: 'credentials',
        where: { id, ended_at_ms: null },
        set: { ended_at_ms: services.clock.nowMs() },
        otherwise: 'already_ended',
      },
    ],
    audit: { ...(holder.startsWith('agt_') && { agent: holder }), ...(traceId && { trace_id: traceId }) },
  })
}
