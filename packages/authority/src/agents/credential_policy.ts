import { refuse } from '@credence/protocol'

export type CredentialKind = 'public_key' | 'client_secret' | 'api_key'

/** Which credentials an agent may have. */
export type CredentialPolicy = {
  kinds: CredentialKind[]
  /** Seconds from its creation within which every credential must expire; absent: it need not. */
  maxLifetimeSeconds?: number
}

/** Keys only, unless somebody says otherwise: a secret is the last resort. */
export const defaultCredentialPolicy: CredentialPolicy = { kinds: ['public_key'] }

/**
 * When a new credential of this kind expires (Unix seconds; null: never). Without a wish, as late as the policy allows.
 * Refuses `credential_kind_refused`, and `validation_failed` for a wish beyond the policy.
 */
export function expiryUnder(
  policy: CredentialPolicy,
  wish: { kind: CredentialKind; expiresAt?: number | undefined; now: number },
): number | null {
  if (!policy.kinds.includes(wish.kind)) refuse('credential_kind_refused')
  if (wish.expiresAt !== undefined && wish.expiresAt <= wish.now) {
    refuse('validation_failed', { detail: 'expires_at lies in the past.' })
  }
  if (policy.maxLifetimeSeconds === undefined) return wish.expiresAt ?? null
  const latest = wish.now + policy.maxLifetimeSeconds
  if (wish.expiresAt !== undefined && wish.expiresAt > latest) {
    refuse('validation_failed', { detail: "expires_at is later than the agent's credential policy allows." })
  }
  return wish.expiresAt ?? latest
}
