import { type Algorithm, generateSigningKey, newId } from '@credence/protocol'
import type { Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import { sealedSigningKey } from './signing_keys.ts'

export type SealedAt = Pick<Services, 'sealer' | 'clock'>

/**
 * The rows that give a new organization its first signing key. It is active at once: nobody can have cached a key set of an
 * issuer that did not exist.
 */
export async function firstSigningKeySteps(
  services: SealedAt,
  organization: { id: string; signingAlgorithm: Algorithm },
): Promise<Step[]> {
  const row = await sealedKeyRow(services, organization)
  const now = row.prepared_at_ms
  const active = { ...row, state: 'active' as const, published_at_ms: now, activated_at_ms: now }
  return [{ do: 'insert', table: 'signing_keys', row: active, otherwise: 'conflict' }]
}

/** A new key, sealed, in state `prepared`. */
export async function sealedKeyRow(
  services: SealedAt,
  organization: { id: string; signingAlgorithm: Algorithm },
): Promise<RowOf<'signing_keys'>> {
  const kid = newId('sgk')
  const alg = organization.signingAlgorithm
  const { publicJwk, privateJwk } = await generateSigningKey(alg, { kid, extractable: true })
  const secret = new TextEncoder().encode(JSON.stringify(privateJwk))
  const sealed = await services.sealer.seal(secret, sealedSigningKey(organization, { kid, alg }))
  secret.fill(0)
  return {
    id: kid,
    alg,
    public_jwk: JSON.stringify(publicJwk),
    sealed,
    state: 'prepared',
    prepared_at_ms: services.clock.nowMs(),
    published_at_ms: null,
    activated_at_ms: null,
    retired_at_ms: null,
    revoked_at_ms: null,
  }
}
