import { sqliteCode } from './connection.ts'

/**
 * What an error from SQLite means:
 * - `command`: this command's own fault; undoing it is enough.
 * - `refused`: the batch is undone and refused; the next may succeed (the disk is full, another program holds the file).
 * - `stopped`: nobody can say what is on the disk. After a failed write or `fsync` the kernel may call the next one a success
 *   without having written the first, so that no later commit would be worth its answer: the writer stops until restart.
 */
export type Fault = 'command' | 'refused' | 'stopped'

/** Primary result codes of SQLite. */
const busy = 5
const locked = 6
const noMemory = 7
const readOnly = 8
const interrupted = 9
const ioError = 10
const corrupt = 11
const full = 13
const cannotOpen = 14
const protocol = 15
const notADatabase = 26

/** Extended codes of I/O errors that come before anything was written: growing the shared index, taking a lock, no memory. */
const shmSize = 10 | (19 << 8)
const shmMap = 10 | (21 << 8)
const shmOpen = 10 | (18 << 8)
const lock = 10 | (15 << 8)
const ioNoMemory = 10 | (12 << 8)
const harmless = new Set([shmSize, shmMap, shmOpen, lock, ioNoMemory])

/** The disk is full: who makes room need not start anything again. */
export function isFull(error: unknown): boolean {
  return ((sqliteCode(error) ?? 0) & 0xff) === full
}

export function faultOf(error: unknown): Fault {
  const extended = sqliteCode(error)
  if (extended === undefined) return 'command'
  switch (extended & 0xff) {
    case ioError:
      return harmless.has(extended) ? 'refused' : 'stopped'
    case corrupt:
    case notADatabase:
      return 'stopped'
    case busy:
    case locked:
    case noMemory:
    case readOnly:
    case interrupted:
    case full:
    case cannotOpen:
    case protocol:
      return 'refused'
    default:
      return 'command'
  }
}
