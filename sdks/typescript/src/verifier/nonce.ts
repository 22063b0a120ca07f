import { base64url, refuseAtUse as refuse } from '@credence/protocol'

/**
 * What a fresh start costs: this process cannot know which proofs were used before it. A proof that carries this process's
 * own nonce was made after the start, whatever its `iat` says; for as long as an older proof could still pass, one without it is
 * asked to be made again (RFC 9449 §9). Honest clients do that by themselves.
 */
export class StartNonce {
  readonly value: string = base64url.encode(crypto.getRandomValues(new Uint8Array(18)))
  /** Unix seconds: a proof shown before the start cannot claim to be made later than this. */
  readonly #provenAfter: number

  /** @param startedAt Unix seconds. @param futureSeconds how far ahead a proof's clock may be */
  constructor(startedAt: number, futureSeconds: number) {
    this.#provenAfter = startedAt + futureSeconds
  }

  /** @throws Refusal `nonce_required` */
  check(proof: { iat: number }, nonce: string | undefined): void {
    if (proof.iat <= this.#provenAfter && nonce !== this.value) refuse('nonce_required')
  }
}
