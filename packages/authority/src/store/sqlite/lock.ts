import { DatabaseSync } from 'node:sqlite'
import { refuse } from '@credence/protocol'
import { sqliteCode } from './connection.ts'
import { createPrivately } from './private_file.ts'

/**
 * Takes the store for this process: the lock of a transaction on a file beside it, which the system drops with the process,
 * however that ends.
 *
 * @returns what gives it back.
 * @throws Refusal `store_locked`
 */
export function takeLock(file: string): () => void {
  const path = `${file}.lock`
  createPrivately(path)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    // Nothing is ever written to it: it needs no journal.
    database.exec('pragma journal_mode = off; begin exclusive')
  } catch (cause) {
    database.close()
    if (!isHeld(cause)) throw cause
    refuse('store_locked', { detail: `Another authority process has ${file} open.`, cause })
  }
  return () => database.close()
}

const busy = 5

function isHeld(error: unknown): boolean {
  return ((sqliteCode(error) ?? 0) & 0xff) === busy
}
