import { refuse } from '@credence/protocol'
import { findInstance, type Held, unusable, usableUntil, usedSteps } from '../agents/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { Client, Proven } from './client.ts'

/**
 * Whether a proven agent may use this credential now. From here on answers are specific: the caller has shown that it holds
 * the credential. Refuses `agent_not_active`, `credential_expired`, `credential_kind_refused`, `instance_expired`.
 */
export async function mayBeUsed(services: Services, organization: Organization, proven: Proven): Promise<Client> {
  const { agent, credential, steps } = proven
  const instance =
    credential.instance === undefined ? undefined : await findInstance(services, organization, credential.instance)
  const held: Held = {
    active: agent.status === 'active',
    policy: agent.credentialPolicy,
    credential,
    ...(instance && { instance }),
  }
  const code = unusable(held, nowSeconds(services.clock))
  if (code !== undefined) refuse(code)
  const used = [...steps, ...usedSteps(credential, services.clock.nowMs())]
  return { agent, ...(instance && { instance }), credential, expiresAt: usableUntil(held), steps: used }
}
