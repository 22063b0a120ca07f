import { newId } from '@credence/protocol'
import { newSecret } from '../agents/index.ts'
import { record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { Administrator } from './administrator.ts'

/** The row of a new administrator, and the secret that must be shown now or never. */
export function administratorSteps(
  services: Pick<Services, 'clock'>,
  { id, name }: { id: string; name: string },
): { steps: Step[]; secret: string; administrator: Administrator } {
  const { text, hash } = newSecret('administrator', id)
  const createdAtMs = services.clock.nowMs()
  const row = { id, name, secret_hash: hash, created_at_ms: createdAtMs, ended_at_ms: null }
  return {
    steps: [{ do: 'insert', table: 'administrators', row, otherwise: 'conflict' }],
    secret: text,
    administrator: { id, name, createdAtMs },
  }
}

/** Adds an administrator. `secret` is in the answer once; only its hash is kept. */
export async function addAdministrator(
  services: Services,
  organization: Organization,
  { name, by, traceId }: { name: string; by: string; traceId?: string | undefined },
): Promise<{ administrator: Administrator; secret: string }> {
  const id = newId('adm')
  const { steps, secret, administrator } = administratorSteps(services, { id, name })
  await commit(services, {
    organization: organization.id,
    steps: [stillAdministers(by), ...steps],
    audit: await record(
      services,
      organization,
      { type: 'administrator.added', by, subject: id, outcome: 'done', ...(traceId && { trace_id: traceId }) },
      { name },
    ),
  })
  return { administrator, secret }
}

/** Whoever makes or ends administrators must still be one when it is done. */
export function stillAdministers(id: string): Step {
  return { do: 'require', table: 'administrators', where: { id, ended_at_ms: null }, otherwise: 'unauthorized' }
}
