import { hashText, readDpopHeader, verifyDpopProof } from '@credence/protocol'
import type { Call } from '../http/endpoint.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { acceptNonce, freshNonce } from './dpop_nonce.ts'

/** `steps` claim the proof's id; they belong into the command that the request leads to, so that no proof works twice. */
export type ProvenKey = { jkt: string; steps: Step[] }

/** Proofs older than this are stale, and made further ahead than that are refused (RFC 9449 §11.1): seconds. */
const maxAgeSeconds = 60
const futureSeconds = 5

/**
 * Checks the DPoP proof of a request (RFC 9449 §4.3); undefined when it sends none. `url`: the target from the stored issuer.
 * `accessToken`: the token the proof must name (`ath`). Where nonces are required, a fresh one goes into `answerHeaders`.
 */
export async function proveKey(
  services: Services,
  organization: Organization,
  call: Pick<Call, 'request' | 'url' | 'answerHeaders'> & { accessToken?: string },
): Promise<ProvenKey | undefined> {
  const proof = readDpopHeader(call.request.headers)
  const withNonce = services.config.dpopNonce === 'required'
  if (withNonce) call.answerHeaders.set('dpop-nonce', await freshNonce(services, organization))
  if (proof === undefined) return undefined
  const check = withNonce ? await acceptNonce(services, organization) : undefined
  const { jkt, jti, expiresAt } = await verifyDpopProof(proof, {
    method: call.request.method,
    url: call.url,
    now: nowSeconds(services.clock),
    maxAgeSeconds,
    futureSeconds,
    ...(call.accessToken !== undefined && { accessToken: call.accessToken }),
    ...(check && { nonce: check }),
  })
  const row = {
    kind: 'dpop',
    // Kept as a hash: the caller chose the id, and another key may use the same one.
    id: await hashText(`${jkt}.${jti}`),
    expires_at: expiresAt + services.config.clockToleranceSeconds,
  }
  return { jkt, steps: [{ do: 'insert', table: 'replay_ids', row, otherwise: 'proof_replayed' }] }
}
