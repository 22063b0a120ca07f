import type { Command, Outcome } from '../port.ts'

/** What the writer is asked: the answers come back in the order of the requests. */
export type Request =
  | { ask: 'commit'; command: Command }
  | { ask: 'sweep'; now: number }
  | { ask: 'beat' }
  /** To begin the write-ahead log anew, which can be done when all of it was copied. */
  | { ask: 'restart_log' }
  /** In the place of one that could not travel. */
  | { ask: 'unusable' }
  | { ask: 'close' }

export type Reply =
  | { outcome: Outcome }
  /** `sweep`: how many rows went; 0 else. */
  | { done: number }
  /** `internal`: this request's own fault. `unavailable`: the store's, and `full` the disk's. */
  | { failed: 'internal' | 'unavailable' | 'full'; message: string }

/** From the writer, before anything else. */
export type Opening = { opened: true } | { opened: false; message: string }
