import { PushedBody, type Shared, shared } from '../http/pushed_body.ts'
import type { Lineage } from '../store/port.ts'
import type { Lease } from './leases.ts'

/** Encodes a signed batch as a server-sent event once, for every connection it goes to. */
export function batchEvent(to: number, compact: string): Shared {
  return shared(`event: batch\nid: ${to}\ndata: ${compact}\n\n`)
}

/** When to come back after the connection is lost: spread, so that a restart does not bring everybody at once. */
export function retryEvent(random = Math.random()): Shared {
  return shared(`retry: ${Math.round(500 + random * 4_500)}\n\n`)
}

/** How this connection is called in acknowledgements. */
export function pointEvent(point: string): Shared {
  return shared(`event: point\ndata: ${point}\n\n`)
}

/** How far a connection has been brought, and the highest head it has heard of: it must never hear of a lower one. */
export type Told = { to: number; head: number; incarnation: number }

export type StreamOptions = {
  lease: Lease
  /** The `agt_` id of whoever listens. */
  agent: string
  /** Of the token that opened it, its own id and the key that signed it included. */
  lineage: Lineage
  /** What its first batch said. */
  told: Told
  /** Monotonic milliseconds. */
  endsAtMs: number
  maxBufferedBytes: number
  onEnd(stream: FeedStream): void
}

/** One connection of one enforcement point. */
export class FeedStream {
  readonly lease: Lease
  readonly agent: string
  readonly lineage: Lineage
  readonly endsAtMs: number
  /** Until it is sent over a connection, what is pushed waits. */
  readonly body: PushedBody
  told: Told
  /** Has caught up, and gets what all get. */
  live = false
  ended = false
  /** By a newer stream of the same point, whose lease it now is. */
  replaced = false
  readonly #onEnd: (stream: FeedStream) => void

  constructor(options: StreamOptions) {
    this.lease = options.lease
    this.agent = options.agent
    this.lineage = options.lineage
    this.told = options.told
    this.endsAtMs = options.endsAtMs
    this.#onEnd = options.onEnd
    this.body = new PushedBody({ maxBufferedBytes: options.maxBufferedBytes, onClosed: () => this.end() })
  }

  /** Queues an event. A connection that lags too far behind is cut instead: it comes back and starts from its cursor. */
  push(event: Shared, told = this.told): void {
    if (this.ended) return
    if (this.body.push(event)) this.told = told
    else this.#finish(() => this.body.cut())
  }

  /** Resolves when most of what is queued has been taken. */
  drained(): Promise<void> {
    return this.body.drained()
  }

  /** Ends it after what is queued. */
  end(): void {
    this.#finish(() => this.body.end())
  }

  #finish(last: () => void): void {
    if (this.ended) return
    this.ended = true
    last()
    this.#onEnd(this)
  }
}
