import { importPublicKey, type JsonObject, newId } from '@credence/protocol'
import { nowSeconds, type Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'

export type EnrolledKey = {
  holder: string
  instance?: string | undefined
  jwk: JsonObject
  scope?: string[] | undefined
  /** Unix seconds. */
  notBefore?: number | undefined
  expiresAt?: number | null | undefined
}

/**
 * The row of a new public key. Its id is the `kid` of the JWK, or the RFC 7638 thumbprint. Only what verifies is kept of the
 * JWK. Refuses `key_unusable`.
 */
export async function publicKeyRow(services: Pick<Services, 'clock'>, key: EnrolledKey): Promise<RowOf<'credentials'>> {
  const named = typeof key.jwk.kid === 'string' && /^[\x21-\x7e]{1,256}$/.test(key.jwk.kid) ? key.jwk.kid : undefined
  const { kid, alg, jwk } = await importPublicKey(key.jwk, named)
  return {
    id: newId('crd'),
    holder: key.holder,
    instance: key.instance ?? null,
    kind: 'public_key',
    kid,
    alg,
    public_jwk: JSON.stringify(jwk),
    secret_hash: null,
    scope: key.scope?.join(' ') ?? null,
    created_at_ms: services.clock.nowMs(),
    not_before: key.notBefore ?? nowSeconds(services.clock),
    expires_at: key.expiresAt ?? null,
    last_used_at_ms: null,
    ended_at_ms: null,
  }
}
