import { type AccessTokenClaims, coversAll, refuseAtUse as refuse } from '@credence/protocol'
import { discover } from '../metadata.ts'
import { once } from '../once.ts'
import type { Runtime } from '../runtime.ts'
import { Feed, type Operator } from './feed.ts'
import { KeySet } from './key_set.ts'
import { Statements } from './statements.ts'

/**
 * What to do when the lease is over: refuse; ask the authority about each token; or go on, until they expire, with calls that
 * need nothing beyond these scopes (harmless reads).
 */
export type WhenStale = 'refuse' | 'introspect' | { goOnWith: readonly string[] }

export type TrustedIssuer = {
  /** Compared byte by byte. */
  issuer: string
  /** The agent that operates this resource at that issuer. */
  operator: Operator
  whenStale?: WhenStale
}

/** One issuer a resource trusts: its keys, its revocations, its statements. */
export class Trust {
  readonly issuer: string
  readonly keys: KeySet
  readonly feed: Feed
  readonly statements: Statements
  readonly #operator: Operator
  readonly #whenStale: WhenStale

  constructor(trusted: TrustedIssuer, resource: string, runtime: Runtime) {
    const { issuer, operator } = trusted
    this.issuer = issuer
    this.keys = new KeySet(
      runtime,
      once(() => discover(runtime, issuer)),
    )
    this.feed = new Feed({ issuer, resource, operator, keys: this.keys, runtime })
    this.statements = new Statements(runtime, issuer, this.keys)
    this.#operator = operator
    this.#whenStale = trusted.whenStale ?? 'refuse'
  }

  /**
   * Whether a token's authority still stands. What is known to have ended is refused however old that knowledge is.
   *
   * @throws Refusal `revoked`, `not_ready`, `lease_over`
   */
  checkStanding(verified: Verified, needed: readonly string[]): void | Promise<void> {
    if (this.feed.deadBy(verified.claims.lineage, verified.implicit) !== undefined) refuse('revoked')
    if (this.feed.isFresh()) return undefined
    if (!this.feed.wasFresh) return refuse('not_ready')
    if (this.#whenStale === 'refuse') return refuse('lease_over')
    if (this.#whenStale === 'introspect') return this.#ask(verified.token)
    if (needed.length > 0 && coversAll(this.#whenStale.goOnWith, needed)) return undefined
    return refuse('lease_over')
  }

  async #ask(token: string): Promise<void> {
    let active: boolean
    try {
      active = (await this.#operator.introspect(token)).active
    } catch (cause) {
      return refuse('lease_over', { cause })
    }
    if (!active) refuse('revoked')
  }
}

/** What a token's text stands for, once and for all. */
export type Verified = {
  token: string
  claims: AccessTokenClaims
  /** Ids that end it without standing in its lineage: its own, and its signing key's. */
  implicit: string[]
}
