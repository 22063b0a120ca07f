import type { Command, Outcome } from '../port.ts'

/** What the writer is asked: the answers come back in the order of the requests. */
export type Request =
  | { ask: 'commit'; command: Command }
  | { ask: 'sweep'; now: number }
  | { ask: 'beat' }
  /** In the place of one that could not travel. */
  | { ask: 'unusable' }
  | { ask: 'close' }

export type Reply =
  | { outcome: Outcome }
  /** `beat`, `close`: 0; `sweep`: how many rows went. */
  | { done: number }
  /** `internal`: this request's own fault. `unavailable`: the store's. */
  | { failed: 'internal' | 'unavailable'; message: string }

/** From the writer, before anything else. */
export type Opening = { opened: true } | { opened: false; message: string }
