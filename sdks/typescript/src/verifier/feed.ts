import {
  asRefusal,
  type Batch,
  base64url,
  FeedState,
  type Lineage,
  newId,
  type RefusalCode,
  refuseAtUse as refuse,
  type StaleTerms,
  verifyBatch,
  type WhenStale,
} from '@credence/protocol'
import { readText } from '../network.ts'
import { linkedFor, linkedTo, type Runtime, sleep } from '../runtime.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { pauseMs, silenceMs } from './coming_back.ts'
import { readEvents } from './event_stream.ts'
import type { KeySet } from './key_set.ts'
import { callAuthority, type Operator } from './own_api.ts'
import type { Registration } from './registration.ts'
import type { SteadyTime } from './steady_time.ts'

/** How one issuer's feed stands here. */
export type FeedReport = {
  /** What is known of revocations is as fresh as the lease demands. */
  fresh: boolean
  /** Milliseconds until it no longer is, when nothing more is heard; negative when that is past. */
  freshForMs: number
  connected: boolean
  /** The last fact that is in force here. */
  seq: number
  incarnation: number
  /** How many ended things are remembered. */
  facts: number
  /** What holds once it no longer is, as the authority granted it. */
  whenStale: WhenStale
  /** Why the last connection ended, if it did not simply end. */
  lastRefusal?: RefusalCode
}

/** Bytes alone are no news: this long without a batch that verifies, and whatever is at the other end is not the feed. */
const noNewsMs = 10_000
const requestMs = 5_000
const recalibrateMs = 60_000
const refreshSpreadMs = 10_000
const maxBatchBytes = 1024 * 1024
/** What is shown to the authority as proof; a heartbeat has some hundred. */
const maxProofBytes = 16_384
const mostPages = 10_000

/**
 * Follows one issuer's revocation feed in the background, for ever: the stream from where it has come to, pages where the
 * stream leaves a gap; when it ends, again. It never throws; what it learns is in `deadBy` and `isFresh`.
 */
export class Feed {
  readonly #resource: string
  readonly #operator: Operator
  readonly #keys: KeySet
  readonly #registration: Registration
  readonly #runtime: Runtime
  readonly #time: SteadyTime
  readonly #state: FeedState
  readonly #acknowledgements: Acknowledgements
  /** How this verifier calls itself, so that the authority tells replicas apart. */
  readonly #point = newId('ept')
  readonly #stop = new AbortController()
  readonly #waiting = new Set<() => void>()
  #running: Promise<void> | undefined
  #wasFresh = false
  #connected = false
  #calibratedAtMs = Number.NEGATIVE_INFINITY
  /** By the authority's clock. */
  #pagedAtMs = 0
  #lastRefusal: RefusalCode | undefined
  /** Signed by the authority: it says how far the feed had come. */
  #proof: string | undefined

  constructor(made: {
    resource: string
    operator: Operator
    keys: KeySet
    registration: Registration
    runtime: Runtime
    /** That tokens are judged by: a fact goes only when what it ended is past by that time. */
    time: SteadyTime
  }) {
    this.#resource = made.resource
    this.#operator = made.operator
    this.#keys = made.keys
    this.#registration = made.registration
    this.#runtime = made.runtime
    this.#time = made.time
    this.#state = new FeedState({ issuer: made.operator.issuer, resource: made.resource })
    this.#acknowledgements = new Acknowledgements(made.runtime, (seq) => this.#acknowledge(seq))
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#acknowledgements.stop()
    for (const wake of this.#waiting) wake()
    await this.#running
  }

  /** Whether it has ever been fresh since the start. */
  get wasFresh(): boolean {
    return this.#wasFresh
  }

  isFresh(): boolean {
    return this.#state.isFresh(this.#runtime.clock.monotonicMs())
  }

  get staleTerms(): StaleTerms {
    return this.#state.staleTerms
  }

  /** The id that has ended, if any has: of a token's lineage, or of ids that every token has without saying (epoch 0). */
  deadBy(lineage: Lineage, implicit: string[]): string | undefined {
    return this.#state.map.deadBy(lineage, implicit)
  }

  /** Resolves when it is fresh, or stopped. */
  async fresh(): Promise<void> {
    while (!this.isFresh() && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  report(): FeedReport {
    const now = this.#runtime.clock.monotonicMs()
    const { map, cursor, incarnation, staleTerms } = this.#state
    return {
      fresh: this.#state.isFresh(now),
      freshForMs: this.#wasFresh ? Math.round(this.#state.freshUntil() - now) : 0,
      connected: this.#connected,
      seq: cursor,
      incarnation,
      facts: map.size,
      whenStale: staleTerms.whenStale,
      ...(this.#lastRefusal !== undefined && { lastRefusal: this.#lastRefusal }),
    }
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      const startedAtMs = this.#runtime.clock.monotonicMs()
      let turnSeconds: number | undefined
      try {
        await this.#follow()
        this.#lastRefusal = undefined
      } catch (error) {
        const refusal = asRefusal(error)
        this.#lastRefusal = refusal.code
        turnSeconds = refusal.retryAfterSeconds
        if (this.#lastRefusal === 'feed_rolled_back') await this.#showProof()
      }
      this.#connected = false
      // A connection that lasted is no failure: the first retry is soon.
      failures = this.#runtime.clock.monotonicMs() - startedAtMs > 10_000 ? 0 : failures + 1
      await this.#pause(pauseMs(failures, this.#runtime.random(), turnSeconds))
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return
    await Promise.race([sleep(this.#runtime.clock, ms), this.#stopped()])
  }

  #stopped(): Promise<void> {
    return new Promise((resolve) => this.#stop.signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  async #follow(): Promise<void> {
    if (this.#keys.size === 0) await this.#keys.refresh()
    // Nothing is fresh here before it is known.
    const known = this.#registration.isKnown
    if (!known) await this.#registration.refresh(this.#stop.signal)
    const connection = linkedTo(this.#stop.signal)
    const { clock } = this.#runtime
    let cancelWatch = clock.after(silenceMs, connection.abort)
    let cancelNewsWatch = clock.after(noNewsMs, connection.abort)
    // Later it can wait: when thousands come back at once, all that they need is the stream.
    const again = () => void this.#registration.refresh(this.#stop.signal)
    const cancelRefresh = known ? clock.after(refreshSpreadMs * this.#runtime.random(), again) : () => {}
    try {
      const trip = { nonce: newNonce(), sentAtMonotonicMs: this.#runtime.clock.monotonicMs() }
      const response = await this.#get('/revocations/stream', trip.nonce, connection.signal)
      if (response.body === null) return refuse('authority_answer_invalid')
      const onBytes = () => {
        cancelWatch()
        cancelWatch = clock.after(silenceMs, connection.abort)
      }
      this.#connected = true
      for await (const { event, data } of readEvents(response.body, { maxEventBytes: maxBatchBytes, onBytes })) {
        if (event !== 'batch') continue
        const batch = await this.#verify(data)
        cancelNewsWatch()
        cancelNewsWatch = clock.after(noNewsMs, connection.abort)
        if (batch.nonce === trip.nonce) this.#calibrate({ ...trip, batch })
        await this.#take(batch, data)
      }
    } finally {
      cancelWatch()
      cancelNewsWatch()
      cancelRefresh()
      connection.abort()
      connection.release()
    }
  }

  async #take(batch: Batch, compact: string): Promise<void> {
    const { incarnation, head } = this.#state
    // Made before the page that has overtaken it: late, and no rollback.
    if (batch.incarnation === incarnation && batch.head < head && batch.at_ms <= this.#pagedAtMs) return
    const before = this.#state.freshUntil()
    const came = this.#state.receive(batch, this.#runtime.clock.monotonicMs())
    this.#keepProof(batch, compact)
    if (came === 'gap') await this.#catchUp()
    this.#settled()
    const age = this.#runtime.clock.monotonicMs() - this.#calibratedAtMs
    // News that makes nothing fresher: the authority's clock went back, and the tie to ours has to be made anew.
    const stuck = this.#state.freshUntil() <= before && age > 1_000
    if (stuck || age > recalibrateMs) void this.#recalibrate()
  }

  /** Pages from the cursor to the head. */
  async #catchUp(): Promise<void> {
    for (let pages = 0; pages < mostPages; pages++) {
      const { trip, batch } = await this.#page()
      const came = this.#takePage(trip, batch)
      if (came === 'applied' && this.#state.cursor >= batch.head) return
    }
    refuse('feed_invalid', { detail: 'It has no end.' })
  }

  /** The lease, too, is granted anew with each page: terms that were changed hold from here on. */
  #takePage(trip: Trip, batch: Batch): 'applied' | 'gap' {
    this.#calibrate({ ...trip, batch })
    this.#pagedAtMs = Math.max(this.#pagedAtMs, batch.at_ms)
    return this.#state.receive(batch, this.#runtime.clock.monotonicMs())
  }

  async #recalibrate(): Promise<void> {
    this.#calibratedAtMs = this.#runtime.clock.monotonicMs()
    this.#state.forget(this.#time.now())
    try {
      const { trip, batch } = await this.#page()
      this.#takePage(trip, batch)
      this.#settled()
    } catch {
      // The stream goes on by the tie there is; it is tried again when that is old.
    }
  }

  #calibrate(trip: Trip & { batch: Batch }): void {
    this.#state.calibrate(trip)
    this.#calibratedAtMs = trip.sentAtMonotonicMs
  }

  /** One page, with a nonce of ours in it: it cannot be an older one played again, and its round trip ties the clocks. */
  async #page(): Promise<{ trip: Trip; batch: Batch }> {
    const patience = linkedFor(this.#runtime.clock, requestMs, this.#stop.signal)
    const trip = { nonce: newNonce(), sentAtMonotonicMs: this.#runtime.clock.monotonicMs() }
    try {
      const response = await this.#get('/revocations', trip.nonce, patience.signal)
      return { trip, batch: await this.#verify(await readText(response, maxBatchBytes)) }
    } finally {
      patience.release()
    }
  }

  #keepProof(batch: Batch, compact: string): void {
    const { incarnation, head } = this.#state
    if (batch.incarnation === incarnation && batch.head === head && compact.length <= maxProofBytes)
      this.#proof = compact
  }

  /** The authority's store has lost what it had told us. It has to know, and believes only what it has signed itself. */
  async #showProof(): Promise<void> {
    if (this.#proof === undefined) return
    try {
      await this.#acknowledge(this.#state.cursor, this.#proof)
    } catch {
      // It is shown again when the feed is refused again.
    }
  }

  #settled(): void {
    if (!this.isFresh()) return
    this.#wasFresh = true
    this.#acknowledgements.note(this.#state.incarnation, this.#state.cursor)
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #verify(compact: string): Promise<Batch> {
    const keys = (_issuer: string, kid: string | undefined) => this.#keys.findAnnounced(kid)
    return verifyBatch(compact, { keys, issuer: this.#operator.issuer })
  }

  #get(path: string, nonce: string, signal: AbortSignal): Promise<Response> {
    const after = `${this.#state.cursor}`
    const search = new URLSearchParams({ after, nonce, resource: this.#resource, point: this.#point })
    return callAuthority(this.#operator, `${path}?${search}`, { signal })
  }

  async #acknowledge(seq: number, seen?: string): Promise<void> {
    const body = JSON.stringify({ resource: this.#resource, point: this.#point, seq, seen })
    const headers = { 'content-type': 'application/json' }
    // A connection that swallows one must not keep those after it from being sent.
    const patience = linkedFor(this.#runtime.clock, requestMs, this.#stop.signal)
    try {
      const { signal } = patience
      const path = '/revocations/acknowledgements'
      const response = await callAuthority(this.#operator, path, { method: 'POST', headers, body, signal })
      await response.body?.cancel()
    } finally {
      patience.release()
    }
  }
}

type Trip = { sentAtMonotonicMs: number; nonce: string }

function newNonce(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(16)))
}
