import { refuse } from '@credence/protocol'
import { type Revoked, revoke } from '../revocation/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { sealedKeyRow } from './first_key.ts'
import { forgetKeyStates, listSigningKeys, type SigningKeyRecord } from './signing_keys.ts'

/**
 * Ends a signing key for good: everything it signed is dead at every verifier, and the key leaves the key set. When it is
 * the active one, its successor signs from the same moment on, whether or not caches of the key set know it yet; verifiers
 * look an unknown kid up. Refuses `not_found`, `already_ended`, or `conflict` when its state changed meanwhile.
 */
export async function revokeSigningKey(
  services: Services,
  organization: Organization,
  { kid, cause, note, by }: { kid: string; cause: string; note?: string | undefined; by: string },
): Promise<Revoked> {
  const keys = await listSigningKeys(services, organization)
  const key = keys.find((one) => one.kid === kid)
  if (key === undefined) refuse('not_found')
  if (key.state === 'revoked') refuse('already_ended')
  const now = services.clock.nowMs()
  const steps: Step[] = [
    {
      do: 'update',
      table: 'signing_keys',
      where: { id: kid, state: key.state },
      set: { state: 'revoked', revoked_at_ms: now },
      otherwise: 'conflict',
    },
    ...(key.state === 'active' ? await succeed(services, organization, keys, now) : []),
  ]
  const forget = () => forgetKeyStates(services, organization)
  const audit = { type: 'signing_key.changed', action: 'revoke' } as const
  // Who is told of it is told by the successor. When it fails, what was remembered was not what is.
  const revocation = { id: kid, cause, note, by, steps, audit, committed: forget }
  return revoke(services, organization, revocation).finally(forget)
}

/** The published key takes over, or else the prepared one, or else a new one. */
async function succeed(
  services: Services,
  organization: Organization,
  keys: readonly SigningKeyRecord[],
  now: number,
): Promise<Step[]> {
  const next = keys.find(({ state }) => state === 'published') ?? keys.find(({ state }) => state === 'prepared')
  if (next === undefined) {
    const row = { ...(await sealedKeyRow(services, organization)), published_at_ms: now, activated_at_ms: now }
    return [{ do: 'insert', table: 'signing_keys', row: { ...row, state: 'active' }, otherwise: 'conflict' }]
  }
  return [
    {
      do: 'update',
      table: 'signing_keys',
      where: { id: next.kid, state: next.state },
      set: { state: 'active', published_at_ms: next.publishedAtMs ?? now, activated_at_ms: now },
      otherwise: 'conflict',
    },
  ]
}
