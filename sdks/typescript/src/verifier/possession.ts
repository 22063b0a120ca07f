import { hashText, readDpopHeader, refuseAtUse as refuse, verifyDpopProof } from '@credence/protocol'
import type { Presented } from './credential.ts'
import type { StartNonce } from './nonce.ts'
import type { ProofMode } from './registration.ts'
import type { Replays } from './replays.ts'
import type { Verified } from './trust.ts'

export const proofSeconds = { maxAge: 60, future: 5 } as const

export type PossessionRules = {
  replays: Replays
  nonce: StartNonce
}

/**
 * That the caller holds the key its token is bound to (RFC 9449 §7). A bound token is never taken as a bearer token, whatever
 * the resource allows; an unbound one only where proofs are optional.
 *
 * @param mode of the resource
 * @param url what the proof must name: from the resource's configuration, never from `Host`
 * @throws Refusal `binding_unknown`, `proof_*`, `nonce_required`, `overloaded`
 */
export async function provePossession(
  rules: PossessionRules,
  request: { method: string; headers: Pick<Headers, 'get'>; url: string },
  scheme: Presented['scheme'],
  verified: Verified,
  now: number,
  mode: ProofMode,
): Promise<void> {
  const bound = verified.claims.cnf
  const jkt = bound?.jkt
  if (bound !== undefined && (typeof jkt !== 'string' || Object.keys(bound).length !== 1)) refuse('binding_unknown')
  if (jkt === undefined) {
    if (mode === 'required') refuse('proof_missing', { detail: 'The token is not bound to a key.' })
    // RFC 9449 §7.1: the scheme says that the token is bound.
    if (scheme === 'DPoP') refuse('proof_key_mismatch', { detail: 'The token is not bound to a key.' })
    return
  }
  // RFC 9449 §7.1 and §7.2: otherwise a stolen token would only have to change its scheme.
  if (scheme !== 'DPoP') refuse('proof_missing', { detail: 'The token is bound to a key.' })
  const proof = readDpopHeader(request.headers)
  if (proof === undefined) return refuse('proof_missing')
  verified.hash ??= await hashText(verified.token)
  let nonce: string | undefined
  const shown = await verifyDpopProof(proof, {
    method: request.method,
    url: request.url,
    now,
    accessTokenHash: verified.hash,
    nonce: (value) => {
      nonce = value
    },
    maxAgeSeconds: proofSeconds.maxAge,
    futureSeconds: proofSeconds.future,
  })
  if (shown.jkt !== jkt) refuse('proof_key_mismatch')
  rules.nonce.check(shown, nonce)
  // The id is unique to its key only, and last: nothing that is refused for another reason uses it up.
  if (!(await rules.replays.claim(`${shown.jkt}.${shown.jti}`, shown.expiresAt))) refuse('proof_replayed')
}
