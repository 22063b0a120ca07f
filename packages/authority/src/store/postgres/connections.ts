import { refuse } from '@credence/protocol'
import pg from 'pg'
import type { Log } from '../listeners.ts'
import { isFault } from './query.ts'
import { CommitUnanswered } from './transaction.ts'

/** How long anything waits for the server, milliseconds: less than a caller waits for us. */
const deadlineMs = 2_000
const statementDeadlineMs = 1_800
/** Below the second after which a server looks for deadlocks: two commands that wait for one another give up sooner, and try again. */
const lockDeadlineMs = 500
const mostWaiting = 2_000

const bigint = 20
const bytes = 17

/** What a connection of ours promises, whatever the server's or the role's defaults are. */
const settings = `
  set synchronous_commit = on;
  set default_transaction_isolation = 'read committed';
  set default_transaction_read_only = off;
  set statement_timeout = ${statementDeadlineMs};
  set lock_timeout = ${lockDeadlineMs};
  set idle_in_transaction_session_timeout = 10000`

export function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'credence',
    connectionTimeoutMillis: deadlineMs,
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  }
}

/** Some connections to one database. Statements may be sent before the answers to earlier ones have come. */
export class Connections {
  readonly #pool: pg.Pool

  constructor(url: string, size: number, log: Log | undefined) {
    this.#pool = new pg.Pool({
      ...clientConfig(url),
      max: size,
      pipeline: true,
      query_timeout: deadlineMs,
      onConnect: (client) => client.query(settings),
    })
    this.#pool.on('error', (error) => log?.warn({ err: error }, 'an idle connection to PostgreSQL ended'))
  }

  /**
   * Lends a connection. One that was lost under way is not used again.
   *
   * @throws Refusal `storage_unavailable`, `overloaded`, before `work` has begun.
   */
  async lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    if (this.#pool.waitingCount >= mostWaiting) refuse('overloaded')
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      refuse('storage_unavailable', { cause: error })
    }
    // An error of the connection also rejects what waits on it; without a listener it would end the process.
    const ignore = () => {}
    client.on('error', ignore)
    let broken = false
    try {
      return await work(client)
    } catch (error) {
      broken = isFault(error, 'lost') || error instanceof CommitUnanswered
      throw error
    } finally {
      client.off('error', ignore)
      client.release(broken)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

function typeParser(oid: number, format: unknown): unknown {
  if (oid === bigint) return safeInteger
  const parse = pg.types.getTypeParser(oid, format as 'text')
  return oid === bytes ? (text: string) => plainBytes(parse(text) as Buffer) : parse
}

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('PostgreSQL answered an integer that is too large.')
  return value
}

function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
