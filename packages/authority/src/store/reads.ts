import { sql } from 'kysely'
import { standingOf } from './apply.ts'
import { factOf } from './apply_standing.ts'
import { asQuery } from './engine.ts'
import { isHoldable, mayMatch } from './holdable.ts'
import type { GlobalReads, OrganizationReads, RowOfOrganization } from './port.ts'
import { type Bound, bind, chunksOf, padded, type Row, Slot } from './statement.ts'
import { columnsOf, matching, type Statements } from './statements.ts'
import type { RowOf } from './tables.ts'

/** Executes one statement that reads. */
export type Read = (bound: Bound) => Row[] | Promise<Row[]>

const mostRows = 10_000
const mostValues = 1_000
export const idsAtOnce = 64

export function readsOf(organization: string, ask: Read, statements: Statements): OrganizationReads {
  return {
    async get(table, where) {
      if (!mayMatch(where)) return undefined
      const rows = await ask(bind(statements.get(table, where), { organization, where }))
      if (rows.length > 1) throw new Error(`More than one row of ${table} matches.`)
      return rows[0] as never
    },

    async list(table, query) {
      const where = query.where ?? {}
      if (query.in && query.in.values.length > mostValues) throw new RangeError(`More than ${mostValues} values.`)
      const among = query.in?.values.filter(isHoldable)
      if (among?.length === 0 || !mayMatch(where)) return []
      const values = among ? padded(among) : []
      const statement = statements.list(table, {
        where,
        ...(query.in && { in: query.in.column }),
        inLength: values.length,
        by: query.order.by,
        descending: query.order.descending ?? false,
        after: query.after !== undefined,
      })
      const more: Record<string, unknown> = { after: query.after, limit: limited(query.limit) }
      for (const [index, value] of values.entries()) more[`in${index}`] = value
      return (await ask(bind(statement, { organization, where, more }))) as never[]
    },

    async count(table, where) {
      if (!mayMatch(where)) return 0
      const rows = await ask(bind(statements.count(table, where), { organization, where }))
      return rows[0]?.count as number
    },

    async standing(ids) {
      const rows: Row[] = []
      for (const chunk of chunksOf([...new Set(ids)].filter(isHoldable), idsAtOnce)) {
        rows.push(...(await ask(standingOf(organization, chunk, statements))))
      }
      return rows as unknown as Array<RowOf<'standing'>>
    },

    async head() {
      const rows = await ask(bind(statements.get('heads', {}), { organization }))
      return (rows[0] as { seq: number; incarnation: number } | undefined) ?? { seq: 0, incarnation: 1 }
    },

    async facts(after, limit) {
      const shape = { where: {}, inLength: 0, by: 'seq', descending: false, after: true }
      const more = { after, limit: limited(limit) }
      return (await ask(bind(statements.list('facts', shape), { organization, more }))).map(factOf)
    },

    async unplaced(limit) {
      const rows = await ask(bind(unplaced(statements), { organization, more: { limit: limited(limit) } }))
      return rows as Array<{ id: string; leaf_hash: Uint8Array }>
    },
  }
}

export function globalReads(ask: Read, statements: Statements): GlobalReads {
  return {
    async organizationByHandle(handle) {
      if (!isHoldable(handle)) return undefined
      const [row] = await ask(bind(organizationBy('handle', statements), { more: { value: handle } }))
      return row as RowOfOrganization | undefined
    },
    async organizationById(id) {
      if (!isHoldable(id)) return undefined
      const [row] = await ask(bind(organizationBy('organization', statements), { more: { value: id } }))
      return row as RowOfOrganization | undefined
    },
    async organizations({ after = '', limit }) {
      const rows = await ask(bind(organizationsAfter(statements), { more: { after, limit: limited(limit) } }))
      return rows as RowOfOrganization[]
    },
    async organizationsWithUnplaced() {
      const rows = await ask(bind(withUnplaced(statements), {}))
      return rows.map(({ organization }) => organization as string)
    },
  }
}

function limited(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError('A list needs a limit of at least 1.')
  return Math.min(limit, mostRows)
}

function unplaced(statements: Statements) {
  return statements.once('unplaced', (db) =>
    matching(db.selectFrom('audit_records').select(['id', 'leaf_hash']), 'audit_records', { position: null })
      .orderBy('arrival')
      .limit(sql<number>`${new Slot('more', 'limit')}`),
  )
}

const organizationColumns = ['organization', ...columnsOf('organizations')]

function organizationBy(column: 'handle' | 'organization', statements: Statements) {
  return statements.once(`organization by ${column}`, (db) =>
    db.selectFrom('organizations').select(organizationColumns).where(column, '=', new Slot('more', 'value')),
  )
}

function organizationsAfter(statements: Statements) {
  return statements.once('organizations', (db) =>
    db
      .selectFrom('organizations')
      .select(organizationColumns)
      .where('organization', '>', new Slot('more', 'after'))
      .orderBy('organization')
      .limit(sql<number>`${new Slot('more', 'limit')}`),
  )
}

/** Goes from one organization to the next in the index of unplaced records, however many records each has. */
function withUnplaced(statements: Statements) {
  const next = sql`select min(organization) from audit_records where position is null`
  return statements.once('organizations with unplaced', (db) =>
    asQuery(
      db,
      sql`with recursive waiting(organization) as (
      ${next} union all select (${next} and organization > waiting.organization) from waiting where waiting.organization is not null
    ) select organization from waiting where organization is not null`,
    ),
  )
}
