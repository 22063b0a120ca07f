import type { RefusalCode } from '@credence/protocol'
import type { Credential } from './credential.ts'
import type { CredentialPolicy } from './credential_policy.ts'
import type { Instance } from './instance.ts'

/** A credential in somebody's hands. */
export type Held = {
  /** False for an agent that is suspended or has retired. */
  active: boolean
  /** The agent's; absent for a person, who has none. */
  policy?: CredentialPolicy
  credential: Credential
  /** The one the credential names. */
  instance?: Instance
}

/**
 * Why a credential may not be used now, to authenticate or to sign: undefined when it may. The policy counts as it is now:
 * tightening it ends what it no longer allows.
 */
export function unusable(held: Held, now: number): RefusalCode | undefined {
  const { active, policy, credential, instance } = held
  if (!active) return 'agent_not_active'
  if (credential.endedAtMs !== undefined || now < credential.notBefore) return 'credential_expired'
  if (policy && !policy.kinds.includes(credential.kind)) return 'credential_kind_refused'
  if (now >= ownEnd(held)) return 'credential_expired'
  if (credential.instance === undefined) return undefined
  const runs = instance?.agent === credential.holder && instance.alive && now < instance.expiresAt
  return runs ? undefined : 'instance_expired'
}

/**
 * Until when, Unix seconds: nothing that was obtained or signed with a credential outlives it (P8). Whether it was ended
 * before that is for the lineage to say.
 */
export function usableUntil(held: Held): number {
  const { policy, credential, instance } = held
  if (policy && !policy.kinds.includes(credential.kind)) return 0
  return Math.min(ownEnd(held), instance?.expiresAt ?? Number.POSITIVE_INFINITY)
}

function ownEnd({ policy, credential }: Held): number {
  const { maxLifetimeSeconds = Number.POSITIVE_INFINITY } = policy ?? {}
  const allowedUntil = Math.floor(credential.createdAtMs / 1000) + maxLifetimeSeconds
  return Math.min(credential.expiresAt ?? Number.POSITIVE_INFINITY, allowedUntil)
}
