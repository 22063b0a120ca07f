import { type AccessTokenClaims, actorsOf, deepFreeze, type Refusal, type VerifiedChain } from '@credence/protocol'

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

class PermittedCall implements Permitted {
  readonly ok = true
  readonly agent: string
  readonly principal: string
  readonly actors: readonly string[]
  readonly scopes: readonly string[]
  readonly token: AccessTokenClaims
  declare readonly chain?: VerifiedChain
  /** Private, so that what prints a verdict, or copies it, shows no token. */
  readonly #text: string

  constructor(text: string, claims: AccessTokenClaims, scopes: readonly string[], chain?: VerifiedChain) {
    this.agent = claims.client_id
    this.principal = claims.sub
    this.actors = Object.freeze(actorsOf(claims))
    this.scopes = Object.freeze(scopes)
    this.token = deepFreeze(claims)
    if (chain !== undefined) this.chain = chain
    this.#text = text
    Object.freeze(this)
  }

  static textOf(verdict: object): string | undefined {
    return #text in verdict ? verdict.#text : undefined
  }
}

/** The verdict on every call with a token. `text`: the token; the claims and scopes are frozen. */
export function permit(
  text: string,
  claims: AccessTokenClaims,
  scopes: readonly string[],
  chain?: VerifiedChain,
): Permitted {
  return new PermittedCall(text, claims, scopes, chain)
}

/** The token a verdict is about; undefined when the verdict was not made by a verifier of this process. */
export function tokenTextOf(permitted: Permitted): string | undefined {
  return PermittedCall.textOf(permitted)
}
