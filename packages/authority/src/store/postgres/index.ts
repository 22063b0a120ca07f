import { refuse } from '@credence/protocol'
import pg from 'pg'
import { unholdableStep } from '../holdable.ts'
import { Listeners, type Log } from '../listeners.ts'
import { migrate } from '../migrate.ts'
import type { Store } from '../port.ts'
import { globalReads, type Read, readsOf } from '../reads.ts'
import type { Bound, Row } from '../statement.ts'
import { createStatements } from '../statements.ts'
import { expired } from '../sweep.ts'
import { UnderWay } from '../under_way.ts'
import { Commits, refusalOf } from './commits.ts'
import { Connections, clientConfig } from './connections.ts'
import { Hints } from './hints.ts'
import { migrationConnection } from './migration_connection.ts'
import { query } from './query.ts'

export type PostgresOptions = {
  url: string
  /** Connections for reading and issuing, half of them for each, 16 unless said; four more are kept for revoking, and one listens. */
  poolSize?: number
  log?: Log
}

const reservedForHeads = 4

/**
 * The store for many processes, on a PostgreSQL they share.
 *
 * @throws Refusal `storage_unavailable`, `schema_newer`, `config_unsafe` (a server that does not keep what it has committed)
 */
export async function openPostgres({ url, poolSize = 16, log }: PostgresOptions): Promise<Store> {
  await prepare(url).catch((error: unknown) => {
    throw refusalOf(error)
  })
  const statements = createStatements('postgres')
  // What is read waits for no lock; behind commits that do, whoever revokes would wait to be known.
  const reading = new Connections(url, Math.ceil(poolSize / 2), log)
  const connections = new Connections(url, Math.max(1, Math.floor(poolSize / 2)), log)
  const reserved = new Connections(url, reservedForHeads, log)
  const commits = new Commits({ connections, reserved, statements })
  const committed = new Listeners<Parameters<Parameters<Store['onCommit']>[0]>[0]>(log)
  const hinted = new Listeners<string>(log)
  const underWay = new UnderWay()
  const hints = new Hints({ url, connections: reserved, listeners: hinted })

  const execute = async (on: Connections, { statement, values }: Bound) => {
    try {
      return await underWay.during(() =>
        on.lend((client) => query<Row>(client, { name: statement.name, text: statement.sql, values })),
      )
    } catch (error) {
      throw refusalOf(error)
    }
  }
  const read: Read = async (bound) => (await execute(reading, bound)).rows

  return {
    async commit(command) {
      const unholdable = unholdableStep(command)
      if (unholdable !== undefined) return { done: false, refused: 'validation_failed', step: unholdable }
      const outcome = await underWay.during(() => commits.commit(command))
      if (outcome.done) {
        const facts = outcome.facts.filter(({ fresh }) => fresh)
        committed.tell({ organization: command.organization, facts })
        if (facts.length > 0) hints.give(command.organization)
      }
      return outcome
    },
    of: (organization) => readsOf(organization, read, statements),
    global: globalReads(read, statements),
    onCommit: (listener) => committed.add(listener),
    onHint: (listener) => hinted.add(listener),
    async sweep(now) {
      for (const bound of expired(now, statements)) {
        while ((await execute(connections, bound)).rowCount) {
          // Until none is left.
        }
      }
    },
    async ping() {
      await execute(connections, { statement: beat, values: [] })
    },
    async close() {
      await underWay.close()
      await hints.close()
      await Promise.all([reading, connections, reserved].map((each) => each.close()))
    },
  }
}

const beat = { name: 'beat', sql: 'update pulse set beats = beats + 1', slots: [] }

/** Brings the schema up to date, and makes sure that this server keeps its promises. */
async function prepare(url: string): Promise<void> {
  const client = new pg.Client(clientConfig(url))
  client.on('error', () => {})
  try {
    await client.connect().catch((cause: unknown) => refuse('storage_unavailable', { cause }))
    for (const setting of ['fsync', 'full_page_writes']) {
      const { rows } = await client.query('select current_setting($1) as value', [setting])
      if (rows[0].value !== 'on') refuse('config_unsafe', { detail: `The PostgreSQL server runs with ${setting} off.` })
    }
    const { rows } = await client.query("select current_setting('server_encoding') as value")
    if (rows[0].value !== 'UTF8') refuse('config_unsafe', { detail: 'The PostgreSQL database is not encoded in UTF8.' })
    await client.query('set synchronous_commit = on; set default_transaction_read_only = off')
    await migrate(migrationConnection(client))
  } finally {
    await client.end().catch(() => {})
  }
}
