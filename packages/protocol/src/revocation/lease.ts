import { refuseAtUse as refuse } from '../refusals/at_use.ts'
import type { Batch, WhenStale } from './batch.ts'
import { RevocationMap } from './revocation_map.ts'

export type FeedOptions = {
  issuer: string
  organization?: string
  /** The audience of the resource this verifier guards. A lease that names another one is refused. */
  resource?: string
  /** At most this long without news, however long a lease the authority grants; the lease until it grants one. Milliseconds. */
  leaseMs?: number
  /** More facts than this are refused, so that an issuer that makes them up takes no memory from others. Default 1,000,000. */
  mostFacts?: number
}

/** What holds once a lease is over, as it was granted with it. */
export type StaleTerms = { whenStale: WhenStale; harmlessScopes: readonly string[] }

const refuseAll: StaleTerms = { whenStale: 'refuse', harmlessScopes: [] }

/** Milliseconds by which the clocks of an authority's processes may differ: news may come from one, and the tie from another. */
const processesDiffer = 2_000

/** Seconds by which a fact outlives the last thing it can end, for what clocks differ. */
const forgettingMargin = 300

/**
 * One issuer's revocation feed as a verifier knows it: what has ended, and until when that knowledge may be relied on. No clock and no
 * network: batches come in verified (`verifyBatch`), and time is a monotonic clock's, in milliseconds.
 *
 * The lease rule. A batch shows everything that had ended when the authority's clock read `at_ms`. A timed round trip ties that clock to
 * ours: the answer was stamped after its request was sent, so the authority's `at_ms` lies, on our clock, no earlier than
 * `sent + (at_ms - the answer's at_ms)`. That earliest moment, and never one later than receipt, is the batch's point of freshness; a delay on
 * the way is age, however constant. Where the earliest possible moment lies after receipt, the authority's clock runs fast, and the tie is drawn
 * tighter; where it lies long after it, that clock has jumped ahead, and there is no tie until the next round trip: the moment of receipt would hide
 * what the way takes. The lease is over `lease_ms` after the point of freshness.
 *
 * What never goes back: the map, the incarnation, the head and cursor within one incarnation, and `freshUntil`.
 */
export class FeedState {
  readonly map: RevocationMap = new RevocationMap()
  readonly #options: FeedOptions
  #incarnation = 0
  #head = 0
  #cursor = 0
  #freshUntil = Number.NEGATIVE_INFINITY
  /** Our clock minus the authority's, at the least; undefined until a round trip was timed. */
  #offset: number | undefined
  #tiedAt = Number.NEGATIVE_INFINITY
  #organization: string | undefined
  #stampedAt = 0
  /** Milliseconds; undefined until the authority granted one. */
  #granted: number | undefined
  #terms = refuseAll

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Every fact up to this sequence number is in the map: where to go on from. */
  get cursor(): number {
    return this.#cursor
  }

  /** 0 until the first batch. */
  get incarnation(): number {
    return this.#incarnation
  }

  /** The highest sequence number heard of; more than `cursor` when there are facts still to fetch. */
  get head(): number {
    return this.#head
  }

  /** Granted with the last lease; `refuse` before the first. */
  get staleTerms(): StaleTerms {
    return this.#terms
  }

  get isCalibrated(): boolean {
    return this.#offset !== undefined
  }

  /**
   * Ties the authority's clock to ours by a round trip: `batch` answers the request sent at `sentAtMonotonicMs` with `nonce`. Do it at each
   * connect and every few minutes; a round trip after the authority's clock jumped is what makes the feed fresh again.
   * `receive` is called with the batch as well.
   *
   * Refuses `feed_invalid` for an answer without that nonce: an old one would make old news look new.
   */
  calibrate(trip: { sentAtMonotonicMs: number; nonce: string; batch: Batch }): void {
    this.#checkOrigin(trip.batch)
    if (trip.nonce === '' || trip.batch.nonce !== trip.nonce)
      refuse('feed_invalid', { detail: 'batch.nonce: not the one sent' })
    // An answer that was overtaken by that to a later question is of a clock that may have jumped since.
    if (trip.sentAtMonotonicMs < this.#tiedAt) return
    this.#tiedAt = trip.sentAtMonotonicMs
    this.#offset = trip.sentAtMonotonicMs - trip.batch.at_ms
  }

  /**
   * Takes a verified batch in. `gap`: facts before it are missing, or the feed begins again; fetch from `cursor`. Its facts are kept even
   * then, but it makes nothing fresh.
   *
   * Refuses, and changes nothing: `feed_rolled_back` for a lower incarnation, or a lower head in the same one, unless the batch was stamped
   * before that head was heard of (it waited in a cache, or was overtaken: it then brings facts, and nothing fresh); `feed_invalid` for a
   * batch of another organization or resource, or with more facts than are kept; `issuer_untrusted` for another issuer.
   */
  receive(batch: Batch, monotonicMs: number): 'applied' | 'gap' {
    this.#checkOrigin(batch)
    if (this.map.size + batch.facts.length > (this.#options.mostFacts ?? 1_000_000)) {
      refuse('feed_invalid', { detail: 'More has ended than can be kept.' })
    }
    if (batch.incarnation < this.#incarnation) refuse('feed_rolled_back', { detail: 'incarnation' })
    if (batch.incarnation === this.#incarnation && batch.head < this.#head) return this.#receiveLate(batch)

    // One issuer is one organization's: the first that it names is the one.
    this.#organization ??= batch.org
    this.map.apply(batch.facts)
    if (batch.incarnation > this.#incarnation) {
      this.#incarnation = batch.incarnation
      this.#cursor = 0
    }
    this.#head = batch.head
    this.#takeLease(batch)
    this.#stampedAt = Math.max(this.#stampedAt, batch.at_ms)
    const point = this.#pointOfFreshness(batch, monotonicMs)
    if (batch.after > this.#cursor) return 'gap'
    this.#cursor = Math.max(this.#cursor, batch.to)
    // Pages of a snapshot are not fresh until the last: each says that there is more.
    if (this.#cursor >= batch.head && point !== undefined) {
      this.#freshUntil = Math.max(this.#freshUntil, point + this.#lease())
    }
    return 'applied'
  }

  #receiveLate(batch: Batch): 'applied' | 'gap' {
    if (batch.at_ms >= this.#stampedAt) refuse('feed_rolled_back', { detail: 'head' })
    this.map.apply(batch.facts)
    if (batch.after > this.#cursor) return 'gap'
    this.#cursor = Math.max(this.#cursor, batch.to)
    return 'applied'
  }

  /** The monotonic time, in milliseconds, at which the lease is over; minus infinity before there was one. */
  freshUntil(): number {
    return this.#freshUntil
  }

  isFresh(monotonicMs: number): boolean {
    return monotonicMs < this.#freshUntil
  }

  /**
   * Drops facts that nothing living depends on. `now`: this machine's clock, in seconds. Neither it nor the authority's clock is believed
   * alone: one that jumped ahead would bring back what had ended once it was set right.
   */
  forget(now: number): void {
    this.map.forget(Math.min(now, Math.floor(this.#stampedAt / 1000)) - forgettingMargin)
  }

  #checkOrigin(batch: Batch): void {
    const { issuer, organization, resource } = this.#options
    if (batch.iss !== issuer) refuse('issuer_untrusted')
    const expected = organization ?? this.#organization
    if (expected !== undefined && batch.org !== expected)
      refuse('feed_invalid', { detail: 'batch.org: another organization' })
    if (resource !== undefined && batch.resource !== undefined && batch.resource !== resource) {
      refuse('feed_invalid', { detail: 'batch.resource: another resource' })
    }
  }

  #pointOfFreshness(batch: Batch, monotonicMs: number): number | undefined {
    if (this.#offset === undefined) return undefined
    // It was stamped before it was received: an offset that says otherwise is too large.
    const most = monotonicMs - batch.at_ms
    if (most < this.#offset - processesDiffer) {
      this.#offset = undefined
      return undefined
    }
    this.#offset = Math.min(this.#offset, most)
    return batch.at_ms + this.#offset
  }

  /** Most batches are the same for every verifier and carry no lease: the one granted last goes on. */
  #takeLease(batch: Batch): void {
    // A lease is for a resource; without one's name in it, it could be one that was granted to a laxer resource.
    const named = this.#options.resource === undefined || batch.resource === this.#options.resource
    if (!named || batch.lease_ms === undefined) return
    this.#granted = batch.lease_ms
    const { when_stale: whenStale = 'refuse', harmless_scopes: harmlessScopes = [] } = batch
    this.#terms = { whenStale, harmlessScopes }
  }

  #lease(): number {
    return Math.min(this.#granted ?? Number.POSITIVE_INFINITY, this.#options.leaseMs ?? this.#granted ?? 0)
  }
}
