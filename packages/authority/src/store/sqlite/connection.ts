import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Answer, Ask } from '../ask.ts'
import type { Bound, Row, Statement } from '../statement.ts'

/** One SQLite connection with its statements prepared once. */
export class Connection {
  readonly database: DatabaseSync
  readonly #prepared = new Map<Statement, StatementSync>()
  readonly #controls = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  rows(bound: Bound): Row[] {
    return this.#prepare(bound.statement)
      .all(...bound.values)
      .map((row) => ({ ...row })) as Row[]
  }

  changes(bound: Bound): number {
    return Number(this.#prepare(bound.statement).run(...bound.values).changes)
  }

  /** Runs a statement of the driver's own, such as `commit`. */
  control(sql: string): void {
    let prepared = this.#controls.get(sql)
    if (!prepared) {
      prepared = this.database.prepare(sql)
      this.#controls.set(sql, prepared)
    }
    prepared.run()
  }

  /** Begins the log anew, copying what little of it was not yet; leaves it if somebody still reads from it. */
  restartLog(): void {
    this.database.exec('pragma busy_timeout = 0')
    try {
      this.control('pragma wal_checkpoint(restart)')
    } finally {
      this.database.exec(`pragma busy_timeout = ${busyTimeoutMs}`)
    }
  }

  answer(ask: Ask): Answer {
    try {
      return ask.rows ? { rows: this.rows(ask), changes: 0 } : { rows: [], changes: this.changes(ask) }
    } catch (error) {
      // The statement alone was undone; whether the command can live with that is the command's to say.
      if (!ask.careless && isTaken(error)) return { rows: [], changes: 0, taken: true }
      throw error
    }
  }

  close(): void {
    this.#prepared.clear()
    this.#controls.clear()
    this.database.close()
  }

  #prepare(statement: Statement): StatementSync {
    let prepared = this.#prepared.get(statement)
    if (!prepared) {
      prepared = this.database.prepare(statement.sql)
      this.#prepared.set(statement, prepared)
    }
    return prepared
  }
}

/** How long to wait for another program that holds the file. */
const busyTimeoutMs = 2_000

/**
 * The log is copied into the file by a thread of its own (`checkpointer.ts`). Should that fall behind, the writer does it itself
 * at this length, and everybody waits.
 */
const pagesBeforeOwnCheckpoint = 16_000

/** The connection that writes. Every commit is on the disk before it returns, also on macOS, where `fsync` alone is not enough. */
export function openForWriting(file: string): Connection {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs })
  const { journal_mode } = database.prepare('pragma journal_mode = wal').get() as { journal_mode: string }
  if (journal_mode !== 'wal') {
    database.close()
    throw new Error(`SQLite cannot keep a write-ahead log for this file (it answers ${journal_mode}).`)
  }
  database.exec(`
    pragma synchronous = full;
    pragma fullfsync = on;
    pragma checkpoint_fullfsync = on;
    pragma wal_autocheckpoint = ${pagesBeforeOwnCheckpoint};
    pragma journal_size_limit = 67108864;
    pragma cache_size = -65536;
    pragma temp_store = memory;
    pragma trusted_schema = off;
    pragma cell_size_check = on;
  `)
  return new Connection(database)
}

/** The connection that reads: it sees what was committed when its statement began, and nothing it does can write. */
export function openForReading(file: string): Connection {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs })
  database.exec('pragma query_only = on; pragma cache_size = -65536; pragma trusted_schema = off')
  return new Connection(database)
}

const uniqueConstraint = 2067
const primaryKeyConstraint = 1555

function isTaken(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === uniqueConstraint || code === primaryKeyConstraint
}

/** SQLite's extended result code, if the error is one of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}
