import {
  type AccessTokenClaims,
  coversAll,
  refuseAtUse as refuse,
  type StaleTerms,
  type WhenStale,
} from '@credence/protocol'
import type { Runtime } from '../runtime.ts'
import { Feed } from './feed.ts'
import { KeySet } from './key_set.ts'
import type { Operator } from './own_api.ts'
import { type OwnRules, Registration } from './registration.ts'
import type { Statements } from './statements.ts'
import type { SteadyTime } from './steady_time.ts'

export type TrustedIssuer = {
  /** Compared byte by byte. */
  issuer: string
  /** The agent that operates this resource at that issuer. */
  operator: Operator
  /** What to do when the lease is over. The authority grants that with the lease; here it can only be made stricter: both must let a call pass. */
  whenStale?: WhenStale
  /** Of the scopes that the authority grants as harmless reads, these at most. */
  harmlessScopes?: readonly string[]
}

/** Makes what proves the chains of one issuer's tokens. Handed in, so that a bundle that proves none leaves it behind. */
export type MakesStatements = (runtime: Runtime, issuer: string, keys: KeySet) => Statements

/** One issuer a resource trusts: its keys, its revocations, its statements. */
export class Trust {
  readonly issuer: string
  readonly keys: KeySet
  readonly feed: Feed
  /** How calls are judged at this resource, by this issuer's record of it. */
  readonly registration: Registration
  /** Undefined where no chains are proven. */
  readonly statements: Statements | undefined
  readonly #trusted: TrustedIssuer

  constructor(
    trusted: TrustedIssuer,
    resource: string,
    own: OwnRules,
    runtime: Runtime,
    time: SteadyTime,
    statements: MakesStatements | undefined,
  ) {
    const { issuer, operator } = trusted
    this.issuer = issuer
    this.keys = new KeySet(runtime, issuer)
    this.registration = new Registration(operator, resource, own, runtime.clock)
    this.feed = new Feed({ resource, operator, keys: this.keys, registration: this.registration, runtime, time })
    this.statements = statements?.(runtime, issuer, this.keys)
    this.#trusted = trusted
  }

  /**
   * Whether it is known to have ended. This goes for any call, whatever it needs.
   *
   * @throws Refusal `revoked`
   */
  checkAlive(verified: Verified): void {
    if (this.feed.deadBy(verified.claims.lineage, verified.implicit) !== undefined) refuse('revoked')
  }

  /**
   * Whether a token's authority still stands. What is known to have ended is refused however old that knowledge is.
   *
   * @throws Refusal `revoked`, `not_ready`, `lease_over`
   */
  checkStanding(verified: Verified, needed: readonly string[]): void | Promise<void> {
    this.checkAlive(verified)
    if (this.feed.isFresh()) return undefined
    if (!this.feed.wasFresh) return refuse('not_ready')
    const granted = this.feed.staleTerms
    const rules = [granted.whenStale, this.#trusted.whenStale]
    if (rules.includes('refuse')) return refuse('lease_over')
    if (rules.includes('harmless_reads') && !this.#isHarmless(granted, needed)) return refuse('lease_over')
    return rules.includes('introspect') ? this.#ask(verified) : undefined
  }

  #isHarmless(granted: StaleTerms, needed: readonly string[]): boolean {
    const { harmlessScopes: own } = this.#trusted
    const grants = granted.whenStale !== 'harmless_reads' || coversAll(granted.harmlessScopes, needed)
    return needed.length > 0 && grants && (own === undefined || coversAll(own, needed))
  }

  async #ask(verified: Verified): Promise<void> {
    let active: boolean
    try {
      active = (await this.#trusted.operator.introspect(verified.token)).active
    } catch (cause) {
      return refuse('lease_over', { cause })
    }
    if (!active) refuse('revoked')
    // The answer may have been long on its way, and the feed quicker.
    this.checkAlive(verified)
  }
}

/** What a token's text stands for, once and for all. */
export type Verified = {
  token: string
  claims: AccessTokenClaims
  /** Ids that end it without standing in its lineage: its own, and its signing key's. */
  implicit: string[]
  /** SHA-256 of the token, base64url, once a proof has been held against it. */
  hash?: string
}
