// What lies in an authority's store, read beside it: what an attack left behind, and the key that only the authority has.

import { DatabaseSync } from 'node:sqlite'
import { decodeLeaf, importSigningKey, type SigningKey } from '@credence/protocol'
import pg from 'pg'
import { createSealer, parseWrappingKeys } from '../../packages/authority/src/tokens/sealing.ts'
import type { TestAuthority } from '../authority.ts'

type Row = Record<string, unknown>
type Contents = Map<string, Row[]>

/** How often something came or went: `record token.refused`, `used assertion`, or `+ agents`, `- agents` for rows of any other table. */
export type Changes = Record<string, number>

/**
 * What `work` changed in the store, all of it, in a form that a test can state whole. Not counted: counters of refusals before
 * authentication, the place of a record in the log, the minute a credential was last used, and leases on the feed.
 */
export async function changesBy(authority: TestAuthority, work: () => Promise<unknown>): Promise<Changes> {
  const before = await contentsOf(authority)
  await work()
  const after = await contentsOf(authority)
  const changes: Changes = {}
  for (const table of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before, after].map((contents) => countOf(table, contents.get(table) ?? []))
    for (const [what, times] of differences(was as Counted, is as Counted)) changes[what] = (changes[what] ?? 0) + times
  }
  return changes
}

/** The private key that an organization signs with, as whoever broke into the store and had its wrapping key would have it. */
export async function signingKeyOf(authority: TestAuthority, { id }: { id: string }): Promise<SigningKey> {
  const rows = (await contentsOf(authority)).get('signing_keys') ?? []
  const row = rows.find(({ organization, state }) => organization === id && state === 'active')
  if (row === undefined) throw new Error(`no active signing key of ${id}`)
  const kid = `${row.id}`
  const sealer = await createSealer(parseWrappingKeys(authority.settings.wrappingKeys))
  const opened = await sealer.open(`${row.sealed}`, {
    organization: id,
    kid,
    alg: `${row.alg}`,
    purpose: 'signing_key',
  })
  return importSigningKey(JSON.parse(new TextDecoder().decode(opened)), kid)
}

async function contentsOf({ settings }: TestAuthority): Promise<Contents> {
  return settings.store.startsWith('sqlite:')
    ? readSqlite(settings.store.slice('sqlite:'.length))
    : readPostgres(settings.store)
}

function readSqlite(file: string): Contents {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all() as Array<{
      name: string
    }>
    database.exec('begin')
    return new Map(tables.map(({ name }) => [name, database.prepare(`select * from "${name}"`).all() as Row[]]))
  } finally {
    database.close()
  }
}

async function readPostgres(url: string): Promise<Contents> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    const { rows } = await client.query(
      "select table_name from information_schema.tables where table_schema = 'public'",
    )
    const contents: Contents = new Map()
    for (const { table_name: name } of rows) contents.set(name, (await client.query(`select * from "${name}"`)).rows)
    return contents
  } finally {
    await client.end()
  }
}

type Counted = Map<string, { what: string; times: number }>

const uncounted: ReadonlySet<string> = new Set(['audit_values', 'leases', 'log_heads'])

function countOf(table: string, rows: readonly Row[]): Counted {
  const counted: Counted = new Map()
  if (uncounted.has(table)) return counted
  for (const row of rows) {
    const what = nameOf(table, row)
    if (what === undefined) continue
    const { last_used_at_ms: _, position: __, ...lasting } = row
    const key = JSON.stringify([table, lasting], (_name, value) => (typeof value === 'bigint' ? `${value}` : value))
    counted.set(key, { what, times: (counted.get(key)?.times ?? 0) + 1 })
  }
  return counted
}

function nameOf(table: string, row: Row): string | undefined {
  if (table === 'replay_ids') return `used ${row.kind}`
  if (table !== 'audit_records') return table
  const { type } = decodeLeaf(new Uint8Array(row.leaf as Uint8Array))
  return type === 'refusals.counted' ? undefined : `record ${type}`
}

/** A row that changed went and came. */
function* differences(was: Counted, is: Counted): Generator<[what: string, times: number]> {
  const signed = (what: string, sign: '+' | '-') => (what.includes(' ') && sign === '+' ? what : `${sign} ${what}`)
  for (const [key, { what, times }] of is) {
    const more = times - (was.get(key)?.times ?? 0)
    if (more > 0) yield [signed(what, '+'), more]
  }
  for (const [key, { what, times }] of was) {
    // What was used is forgotten when it is past its time.
    if (what.startsWith('used ')) continue
    const fewer = times - (is.get(key)?.times ?? 0)
    if (fewer > 0) yield [signed(what, '-'), fewer]
  }
}
