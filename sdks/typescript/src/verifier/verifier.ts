import {
  asRefusal,
  isAudience,
  parseScope,
  type Refusal,
  refuseAtUse as refuse,
  verifyAccessToken,
} from '@credence/protocol'
import { type Runtime, runtimeOf } from '../runtime.ts'
import { refusalResponse } from './challenge.ts'
import { assertForm, readCredential } from './credential.ts'
import { checkExpected, type Expected, type Needs, neededScopes, readNeeds } from './expected.ts'
import type { FeedReport } from './feed.ts'
import { StartNonce } from './nonce.ts'
import { type PossessionRules, proofSeconds, provePossession } from './possession.ts'
import type { ProofMode } from './registration.ts'
import { LocalReplays, type Replays } from './replays.ts'
import { SteadyTime } from './steady_time.ts'
import { type MakesStatements, Trust, type TrustedIssuer, type Verified } from './trust.ts'
import { type Permitted, permit, type Verdict } from './verdict.ts'
import { VerifiedTokens } from './verified_tokens.ts'

export type VerifierOptions = {
  /** The audience tokens must be meant for, byte by byte. */
  resource: string
  issuers: readonly TrustedIssuer[]
  /**
   * Default: what the resource is registered with, and no less. `optional` takes unbound tokens as bearer tokens too (MCP clients); a
   * bound one always needs its proof.
   */
  proof?: ProofMode
  /** Of the tools the resource is registered with, these, with a scope that each needs as well. Default: all of them. */
  tools?: Readonly<Record<string, string>>
  /** Where clients reach this resource: scheme, host, and what a proxy cuts off the path. Default: the origin of `resource`. */
  baseUrl?: string
  /** URL of the RFC 9728 document, named in challenges. */
  resourceMetadata?: string
  /** Where used proofs are remembered; replicas share one. Default: in this process. */
  replays?: Replays
  /** How many verified tokens are kept. Default 10,000. */
  keep?: number
  /** How far the issuers' clocks may differ from this one: 0 to 60. Default 5. */
  toleranceSeconds?: number
} & Partial<Runtime>

/** The part of a request that a verdict is about; any Web `Request` is one. */
export type CallRequest = { readonly method: string; readonly url: string; readonly headers: Pick<Headers, 'get'> }

export type VerifierState = { ready: boolean; issuers: Record<string, FeedReport> }

export type Verifier = {
  /** Resolves when every issuer's revocations and its record of the resource are known; refuses `not_ready` when that takes longer. Calls are refused until then. */
  ready(timeoutMs?: number): Promise<void>
  /**
   * Never throws: every failure is a refused verdict. A function is asked what the call needs only once its credential is verified;
   * when it throws, the answer is 400.
   */
  verify(request: CallRequest, needs?: Needs): Promise<Verdict>
  state(): VerifierState
  stop(): Promise<void>
}

/** What a call needs, as far as that is known yet. */
type Asked = { expected: Expected; unreadable: boolean }

type Entry = Verified & { trust: Trust; scopes: readonly string[]; permitted: Permitted; proven?: Promise<Permitted> }

/** @param statements absent where no chains are proven */
export function startVerifier(options: VerifierOptions, statements?: MakesStatements): Verifier {
  return new RunningVerifier(options, statements)
}

class RunningVerifier implements Verifier {
  readonly #resource: string
  readonly #trusts: ReadonlyMap<string, Trust>
  readonly #base: string
  readonly #toleranceSeconds: number
  readonly #rules: PossessionRules
  readonly #resourceMetadata: string | undefined
  readonly #runtime: Runtime
  readonly #time: SteadyTime
  readonly #verified: VerifiedTokens<Entry>

  constructor(options: VerifierOptions, statements: MakesStatements | undefined) {
    // A missing audience must never mean "any".
    if (!isAudience(options.resource)) refuse('config_invalid', { detail: 'resource: not an audience.' })
    if (options.issuers.length === 0) refuse('config_missing', { detail: 'issuers: none.' })
    if (options.issuers.some(({ issuer, operator }) => operator.issuer !== issuer)) {
      refuse('config_invalid', { detail: 'issuers: an operator of another issuer.' })
    }
    const { toleranceSeconds = 5 } = options
    // Facts are kept for 5 minutes after what they ended has expired: no token may pass for longer.
    if (!(toleranceSeconds >= 0 && toleranceSeconds <= 60)) {
      refuse('config_invalid', { detail: 'toleranceSeconds: 0 to 60.' })
    }
    this.#runtime = runtimeOf(options)
    this.#time = new SteadyTime(this.#runtime.clock)
    this.#resource = options.resource
    this.#base = (options.baseUrl ?? new URL(options.resource).origin).replace(/\/$/, '')
    this.#toleranceSeconds = toleranceSeconds
    this.#resourceMetadata = options.resourceMetadata
    this.#verified = new VerifiedTokens(options.keep ?? 10_000)
    this.#rules = {
      replays: options.replays ?? new LocalReplays(() => this.#time.now()),
      nonce: new StartNonce(this.#time.now(), proofSeconds.future),
    }
    const own = { proof: options.proof, tools: options.tools }
    const trusts = options.issuers.map(
      (one) => new Trust(one, options.resource, own, this.#runtime, this.#time, statements),
    )
    this.#trusts = new Map(trusts.map((trust) => [trust.issuer, trust]))
    for (const { feed } of this.#trusts.values()) feed.start()
  }

  async ready(timeoutMs = 30_000): Promise<void> {
    let cancel = () => {}
    const late = new Promise<'late'>((resolve) => {
      cancel = this.#runtime.clock.after(timeoutMs, () => resolve('late'))
    })
    const fresh = Promise.all([...this.#trusts.values()].map(({ feed }) => feed.fresh()))
    const first = await Promise.race([fresh, late])
    cancel()
    const { ready, issuers } = this.state()
    if (first !== 'late' && ready) return
    const why = Object.entries(issuers).flatMap(([issuer, { fresh, lastRefusal }]) =>
      fresh || lastRefusal === undefined ? [] : [`${issuer}: ${lastRefusal}`],
    )
    refuse('not_ready', why.length === 0 ? {} : { detail: why.join(', ') })
  }

  state(): VerifierState {
    const issuers = Object.fromEntries([...this.#trusts].map(([issuer, { feed }]) => [issuer, feed.report()]))
    return { ready: Object.values(issuers).every(({ fresh }) => fresh), issuers }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#trusts.values()].map(({ feed }) => feed.stop()))
  }

  async verify(request: CallRequest, needs: Needs = {}): Promise<Verdict> {
    const asked: Asked = { expected: typeof needs === 'function' ? {} : needs, unreadable: false }
    try {
      return await this.#check(request, needs, asked)
    } catch (error) {
      return this.#refused(asRefusal(error), asked)
    }
  }

  /** The order is the design's; each step may refuse, and what a step needs, the ones before it have established. */
  async #check(request: CallRequest, needs: Needs, asked: Asked): Promise<Permitted> {
    const presented = readCredential(request.headers)
    const now = this.#time.now()
    const entry = this.#verified.get(presented.token) ?? (await this.#admit(presented.token, now))
    const { claims, trust } = entry
    // Again at each use: a verdict that was kept is older than the clock.
    this.#checkAge(entry, now)
    const { proof, tools } = trust.registration.rules
    if (claims.cnf !== undefined || proof === 'required' || presented.scheme === 'DPoP') {
      const call = { method: request.method, headers: request.headers, url: this.#targetOf(request.url) }
      await provePossession(this.#rules, call, presented.scheme, entry, now, proof)
    }
    if (typeof needs === 'function') {
      trust.checkAlive(entry)
      asked.unreadable = true
      asked.expected = await readNeeds(needs)
      asked.unreadable = false
      // Reading may have taken as long as the caller liked.
      this.#checkAge(entry, this.#time.now())
    }
    const { expected } = asked
    const needed = neededScopes(expected, tools)
    const standing = trust.checkStanding(entry, needed)
    if (standing !== undefined) await standing
    checkExpected(claims, entry.scopes, expected, tools)
    if (expected.chain !== 'prove') return entry.permitted
    // Statements never change, so one proof of a token's chain holds as long as the token; one that failed is tried again.
    entry.proven ??= this.#prove(entry, now).catch((error: unknown) => {
      delete entry.proven
      throw error
    })
    const proven = await entry.proven
    // Statements may have taken their time to come, and meanwhile anything may have ended.
    this.#checkAge(entry, this.#time.now())
    await trust.checkStanding(entry, needed)
    return proven
  }

  #checkAge({ token, claims }: Entry, now: number): void {
    if (now < claims.exp + this.#toleranceSeconds) return
    this.#verified.delete(token)
    refuse('token_expired')
  }

  async #admit(token: string, now: number): Promise<Entry> {
    assertForm(token)
    const { claims, kid } = await verifyAccessToken(token, {
      audience: this.#resource,
      now,
      toleranceSeconds: this.#toleranceSeconds,
      issuers: (issuer) => this.#trusts.has(issuer),
      keys: (issuer, id) => this.#keysOf(issuer).find(id),
    })
    const trust = this.#trusts.get(claims.iss) ?? refuse('issuer_untrusted')
    const scopes = parseScope(claims.scope)
    const permitted = permit(token, claims, scopes)
    const entry: Entry = { token, claims, implicit: [claims.jti, kid], trust, scopes, permitted }
    this.#verified.set(token, entry)
    return entry
  }

  #keysOf(issuer: string): Trust['keys'] {
    const trust = this.#trusts.get(issuer) ?? refuse('issuer_untrusted')
    // Before its feed was ever fresh nothing of this issuer can pass, so nothing is fetched for it either.
    return trust.feed.wasFresh ? trust.keys : refuse('not_ready')
  }

  async #prove(entry: Entry, now: number): Promise<Permitted> {
    const { statements } = entry.trust
    if (statements === undefined) return refuse('config_invalid', { detail: 'chain: this verifier proves none.' })
    const chain = await statements.prove(entry.claims, now)
    return chain === undefined ? entry.permitted : permit(entry.token, entry.claims, entry.scopes, chain)
  }

  /** What the caller's proof must name: path and query as they came, everything before them from the configuration. */
  #targetOf(url: string): string {
    const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('//') + 2)
    return this.#base + (start < 0 ? '/' : url.slice(start))
  }

  #refused(refusal: Refusal, { expected, unreadable }: Asked): Verdict {
    const response = () => {
      const rules = [...this.#trusts.values()].map(({ registration }) => registration.rules)
      return refusalResponse(refusal, {
        proof: rules.some(({ proof }) => proof === 'optional') ? 'optional' : 'required',
        scopes: rules.flatMap(({ tools }) => neededScopes(expected, tools)),
        unreadable,
        nonce: this.#rules.nonce.value,
        resourceMetadata: this.#resourceMetadata,
      })
    }
    return { ok: false, refusal, response }
  }
}
