import type { AccessTokenClaims, Refusal, VerifiedChain } from '@credence/protocol'

/** A call that may go on. Frozen: the same object answers every call with this token. */
export type Permitted = {
  readonly ok: true
  /** SPIFFE ID of the agent that calls. */
  readonly agent: string
  /** On whose behalf: a person, a service, an organization, or the agent itself. */
  readonly principal: string
  /** Who acts for the principal, newest first; empty when the agent acts for itself. */
  readonly actors: readonly string[]
  readonly scopes: readonly string[]
  /** The verified claims. */
  readonly token: AccessTokenClaims
  /** The whole chain, each statement verified; only when asked for with `chain: 'prove'`. */
  readonly chain?: VerifiedChain
}

/** A call that may not. */
export type Refused = {
  readonly ok: false
  readonly refusal: Refusal
  /** What to answer: 401, 403 or 503 with its `WWW-Authenticate`. A new one at each call. */
  response(): Response
}

export type Verdict = Permitted | Refused

const texts = new WeakMap<Permitted, string>()

/** Keeps the token's text beside the verdict instead of in it: what prints a verdict shows no token. */
export function withToken(permitted: Permitted, token: string): Permitted {
  texts.set(permitted, token)
  return permitted
}

/** The token a verdict is about; undefined when the verdict was not made by a verifier of this process. */
export function tokenTextOf(permitted: Permitted): string | undefined {
  return texts.get(permitted)
}
