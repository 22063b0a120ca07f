import type { Lineage } from '../store/port.ts'
import type { Lease } from './leases.ts'

const text = new TextEncoder()

/** Encodes a signed batch as a server-sent event once, for every connection it goes to. */
export function batchEvent(to: number, compact: string): Uint8Array {
  return text.encode(`event: batch\nid: ${to}\ndata: ${compact}\n\n`)
}

/** When to come back after the connection is lost: spread, so that a restart does not bring everybody at once. */
export function retryEvent(random = Math.random()): Uint8Array {
  return text.encode(`retry: ${Math.round(500 + random * 4_500)}\n\n`)
}

/** How this connection is called in acknowledgements. */
export function pointEvent(point: string): Uint8Array {
  return text.encode(`event: point\ndata: ${point}\n\n`)
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
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  told: Told
  /** Has caught up, and gets what all get. */
  live = false
  ended = false
  /** By a newer stream of the same point, whose lease it now is. */
  replaced = false
  readonly #onEnd: (stream: FeedStream) => void
  readonly #maxBufferedBytes: number
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #drained: (() => void) | undefined

  constructor(options: StreamOptions) {
    this.lease = options.lease
    this.agent = options.agent
    this.lineage = options.lineage
    this.told = options.told
    this.endsAtMs = options.endsAtMs
    this.#onEnd = options.onEnd
    this.#maxBufferedBytes = options.maxBufferedBytes
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller as ReadableStreamDefaultController<Uint8Array>
        },
        pull: () => this.#drained?.(),
        cancel: () => this.end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: this.#maxBufferedBytes }),
    )
  }

  /** Queues an event. A connection that lags too far behind is cut instead: it comes back and starts from its cursor. */
  push(event: Uint8Array, told = this.told): void {
    if (this.ended) return
    if (this.#room() < event.byteLength) {
      this.#finish((controller) => controller.error(new Error('the reader is too slow')))
      return
    }
    this.#controller?.enqueue(event)
    this.told = told
  }

  /** Resolves when most of what is queued has been taken. */
  async drained(): Promise<void> {
    while (!this.ended && this.#room() < this.#maxBufferedBytes / 2) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    this.#drained = undefined
  }

  /** Ends it after what is queued. */
  end(): void {
    this.#finish((controller) => controller.close())
  }

  #finish(last: (controller: ReadableStreamDefaultController<Uint8Array>) => void): void {
    if (this.ended) return
    this.ended = true
    this.#drained?.()
    try {
      if (this.#controller) last(this.#controller)
    } catch {
      // Already cancelled by its reader.
    }
    this.#onEnd(this)
  }

  #room(): number {
    return this.#controller?.desiredSize ?? 0
  }
}
