import { createHash } from 'node:crypto'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Frontier } from '@credence/protocol'
import pg from 'pg'
import { schema } from '../packages/authority/src/store/schema.ts'
import type { TableName, Tables } from '../packages/authority/src/store/tables.ts'
import * as grown from './growth_rows.ts'

type Value = string | number | null | Uint8Array

/** A database beneath a stopped authority. Rows go in by the store's own schema, with neither commands nor durability. */
type Database = {
  row<T extends TableName>(table: T, where: string): Promise<Tables[T] | undefined>
  insert(table: TableName, rows: Iterable<object>): Promise<number>
  run(sql: string): Promise<void>
  /** Takes off what would be kept up to date row by row, until `finish` puts it on again. */
  begin(): Promise<void>
  finish(): Promise<void>
}

/** Fills the store of an authority that is stopped. @returns how many rows of each kind went in. */
export const fill = async (
  store: string,
  made: { organization: string; agent: string; trustDomain: string },
  size: grown.Size,
  say: (line: string) => void = () => {},
): Promise<void> => {
  const database = store.startsWith('sqlite:') ? sqliteAt(store.slice('sqlite:'.length)) : await postgresAt(store)
  const ofOrganization = `organization = '${made.organization}'`
  const agent = await database.row('agents', `id = '${made.agent}'`)
  const credential = await database.row('credentials', `holder = '${made.agent}'`)
  const head = await database.row('log_heads', ofOrganization)
  if (!agent || !credential || !head) throw new Error('the organization to fill is not there')
  const seq = (await database.row('heads', ofOrganization))?.seq ?? 0
  const seed: grown.Seed = {
    ...made,
    agent,
    credential,
    log: { size: Number(head.size) },
    feed: { seq: Number(seq) },
    nowMs: Date.now(),
  }
  const log = JSON.parse(head.frontier) as { size: number; peaks: string[] }
  const appended = function* (rows: Iterable<grown.LogRow>) {
    for (const row of rows) {
      append(log, row.leaf_hash)
      yield row
    }
  }
  await database.begin()
  const tables: Partial<Record<TableName, Iterable<object>>> = {
    people: grown.people(seed, size),
    agents: grown.agents(seed, size),
    credentials: grown.credentials(seed, size),
    facts: grown.facts(seed, size),
    standing: grown.standing(seed, size),
    audit_records: appended(grown.records(seed, size)),
    delegations: grown.delegations(seed, size),
  }
  for (const [table, rows] of Object.entries(tables)) {
    const began = performance.now()
    const count = await database.insert(table as TableName, rows)
    say(`${table}: ${count} rows in ${seconds(began)} s`)
  }
  const root = Buffer.from(await Frontier.fromJSON(log).root()).toString('hex')
  const blob = store.startsWith('sqlite:') ? `x'${root}'` : `'\\x${root}'`
  await database.run(
    `update log_heads set size = ${log.size}, root = ${blob}, frontier = '${JSON.stringify(log)}' where ${ofOrganization}`,
  )
  await database.run(
    seq === 0
      ? `insert into heads (organization, seq, incarnation) values ('${made.organization}', ${grown.endedOf(size)}, 1)`
      : `update heads set seq = seq + ${grown.endedOf(size)} where ${ofOrganization}`,
  )
  const began = performance.now()
  await database.finish()
  say(`indexes and the rest: ${seconds(began)} s`)
}

/** `Frontier.append` (RFC 6962 section 2.1), at once: millions of promises would all have to be held. */
const append = (log: { size: number; peaks: string[] }, leafHash: Uint8Array): void => {
  let hash = leafHash
  for (let rest = log.size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    const left = Buffer.from(log.peaks.pop() as string, 'base64url')
    hash = createHash('sha256').update('\x01').update(left).update(hash).digest()
  }
  log.peaks.push(Buffer.from(hash).toString('base64url'))
  log.size += 1
}

const seconds = (began: number) => Math.round((performance.now() - began) / 1000)

const columnsOf = (table: TableName): string[] => Object.keys(schema[table].columns)

const sqliteAt = (file: string): Database => {
  const database = new DatabaseSync(file)
  // Nothing here must survive a crash: the whole is made again.
  database.exec(
    'pragma journal_mode = delete; pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -1000000; pragma locking_mode = exclusive; pragma threads = 1',
  )
  const indexes = database
    .prepare("select name, sql from sqlite_master where type = 'index' and sql is not null")
    .all() as Array<{ name: string; sql: string }>
  return {
    row: async (table, where) => database.prepare(`select * from ${table} where ${where}`).get() as never,
    async insert(table, rows) {
      const columns = columnsOf(table)
      const places = columns.map(() => '?').join()
      const statement = database.prepare(`insert into ${table} (${columns.join()}) values (${places})`)
      let count = 0
      database.exec('begin')
      for (const row of rows) {
        statement.run(...columns.map((column) => (row as Record<string, SQLInputValue>)[column] as SQLInputValue))
        count += 1
      }
      database.exec('commit')
      return count
    },
    run: async (sql) => void database.exec(sql),
    begin: async () => {
      for (const { name } of indexes) database.exec(`drop index ${name}`)
    },
    finish: async () => {
      for (const { sql } of indexes) database.exec(sql)
      database.exec('pragma journal_mode = wal')
      database.close()
    },
  }
}

const rowsAtOnce = 2_000

const postgresAt = async (url: string): Promise<Database> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('set synchronous_commit = off')
  const send = async (table: TableName, rows: object[]) => {
    const columns = columnsOf(table)
    const arrays = columns.map((column) => rows.map((row) => (row as Record<string, Value>)[column] ?? null))
    const kinds = { text: 'text', integer: 'bigint', bytes: 'bytea' } as Record<string, string>
    const types = Object.values(schema[table].columns).map((kind) => kinds[kind.replace('?', '')])
    const unnested = types.map((type, index) => `$${index + 1}::${type}[]`).join()
    await client.query(`insert into ${table} (${columns.join()}) select * from unnest(${unnested})`, arrays)
  }
  return {
    row: async (table, where) => (await client.query(`select * from ${table} where ${where}`)).rows[0],
    async insert(table, rows) {
      let count = 0
      let some: object[] = []
      for (const row of rows) {
        some.push(row)
        count += 1
        if (some.length < rowsAtOnce) continue
        await send(table, some)
        some = []
      }
      if (some.length > 0) await send(table, some)
      return count
    },
    run: async (sql) => void (await client.query(sql)),
    begin: async () => {},
    finish: async () => {
      await client.query('vacuum analyze')
      await client.end()
    },
  }
}
