import { refuse } from '@credence/protocol'
import { findInstance, usedStep } from '../agents/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { Client, Proven } from './client.ts'

/**
 * Whether a proven agent may use this credential now. From here on answers are specific: the caller has shown that it holds
 * the credential. Refuses `agent_not_active`, `credential_expired`, `credential_kind_refused`, `instance_expired`.
 */
export async function mayBeUsed(services: Services, organization: Organization, proven: Proven): Promise<Client> {
  const { agent, credential, steps } = proven
  const now = nowSeconds(services.clock)
  if (agent.status !== 'active') refuse('agent_not_active')
  if (credential.endedAtMs !== undefined || now < credential.notBefore) refuse('credential_expired')
  const { kinds, maxLifetimeSeconds = Number.POSITIVE_INFINITY } = agent.credentialPolicy
  // The policy as it is now: tightening it ends what it no longer allows.
  if (!kinds.includes(credential.kind)) refuse('credential_kind_refused')
  const allowedUntil = Math.floor(credential.createdAtMs / 1000) + maxLifetimeSeconds
  const expiresAt = Math.min(credential.expiresAt ?? Number.POSITIVE_INFINITY, allowedUntil)
  if (now >= expiresAt) refuse('credential_expired')
  const used = [...steps, usedStep(credential, services.clock.nowMs())]
  if (credential.instance === undefined) return { agent, credential, expiresAt, steps: used }
  const instance = await findInstance(services, organization, credential.instance)
  if (instance?.agent !== agent.id || !instance.alive || now >= instance.expiresAt) refuse('instance_expired')
  return { agent, instance, credential, expiresAt: Math.min(expiresAt, instance.expiresAt), steps: used }
}
