import type { Batch } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

/** Milliseconds, unless said otherwise. */
export type FeedSettings = {
  /** Streams one process holds; more are refused `overloaded`. */
  maxStreams: number
  heartbeatMs: number
  /** How often the head row is read while someone listens. */
  pollMs: number
  /** A stream ends after this, give or take a tenth, and its caller comes back. */
  maxAgeMs: number
  /** Bytes a connection may lag behind before it is closed. */
  maxBufferedBytes: number
}

export type FeedParts = Pick<Services, 'store' | 'clock' | 'log'> & {
  /** Signs with the organization's active key: `signBatch(await activeKey(services, organization), batch)`. */
  sign(organization: Organization, batch: Batch): Promise<string>
  settings?: Partial<FeedSettings>
}

/** Everything in this process that listens to revocations. */
export class FeedHub {
  readonly #parts: FeedParts

  constructor(parts: FeedParts) {
    this.#parts = parts
  }

  /** Ends every stream, so that its caller comes back elsewhere, and writes outstanding acknowledgements. */
  async close(): Promise<void> {
    void this.#parts
  }
}
