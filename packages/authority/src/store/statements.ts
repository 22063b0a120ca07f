import { type Compilable, sql } from 'kysely'
import { type Builder, builderOf, compile, type EngineName } from './engine.ts'
import { shapeOf } from './schema.ts'
import { Slot, type Statement } from './statement.ts'
import type { TableName } from './tables.ts'

type Where = Readonly<Record<string, unknown>>

export type ListShape = { where: Where; in?: string; inLength: number; by: string; descending: boolean; after: boolean }

/** How a condition holds the row it found until its command ends; SQLite has one writer and needs none. */
export type Hold = 'none' | 'share' | 'change'

/**
 * The statements of the store, compiled for one engine at first use and kept by their shape. Each names the organization;
 * where a value may be null, its being so is part of the shape.
 */
export type Statements = {
  readonly engine: EngineName
  insert(table: TableName): Statement
  put(table: TableName): Statement
  update(table: TableName, where: Where, set: Where): Statement
  /** @param olderThan a column that must be null or below the value of that name. */
  touch(table: TableName, where: Where, set: Where, olderThan: string | undefined): Statement
  remove(table: TableName, where: Where): Statement
  /** One row that matches, with nothing in it. */
  exists(table: TableName, where: Where, hold: Hold): Statement
  /** The row that matches, and one more to know that it is the only one. */
  get(table: TableName, where: Where): Statement
  count(table: TableName, where: Where): Statement
  list(table: TableName, shape: ListShape): Statement
  /** The rows of `standing` for this many ids. */
  standing(length: number): Statement
  /** A statement of one place in the code, under a name of its own. */
  once(name: string, make: (db: Builder) => Compilable): Statement
}

export function createStatements(engine: EngineName): Statements {
  const db = builderOf(engine)
  const kept = new Map<string, Statement>()

  function keep(shape: string, make: () => ReturnType<typeof compile>): Statement {
    let statement = kept.get(shape)
    if (!statement) {
      statement = make()
      kept.set(shape, statement)
    }
    return statement
  }

  return {
    engine,

    insert: (table: TableName): Statement =>
      keep(`insert ${table}`, () => compile(insertInto(db, table).onConflict((on) => on.doNothing()))),

    put: (table: TableName): Statement =>
      keep(`put ${table}`, () => {
        const { key, columns } = shapeOf(table)
        const others = Object.keys(columns).filter((column) => column !== 'organization' && !key.includes(column))
        const taken = others.map((column) => [column, sql.ref(`excluded.${column}`)])
        return compile(
          insertInto(db, table).onConflict((on) =>
            on.columns(['organization', ...key]).doUpdateSet(Object.fromEntries(taken)),
          ),
        )
      }),

    update: (table: TableName, where: Where, set: Where): Statement =>
      keep(`update ${table} ${shapeKey(where)} set ${columnsKey(set)}`, () =>
        compile(matching(db.updateTable(table).set(slotsOf(table, set, 'set')), table, where)),
      ),

    touch: (table: TableName, where: Where, set: Where, olderThan: string | undefined): Statement =>
      keep(`touch ${table} ${shapeKey(where)} set ${columnsKey(set)} older ${olderThan}`, () => {
        const query = matching(db.updateTable(table).set(slotsOf(table, set, 'set')), table, where)
        if (olderThan === undefined) return compile(query)
        const column = known(table, olderThan)
        return compile(
          query.where((eb) => eb.or([eb(column, 'is', null), eb(column, '<', new Slot('more', 'olderThan'))])),
        )
      }),

    remove: (table: TableName, where: Where): Statement =>
      keep(`delete ${table} ${shapeKey(where)}`, () => compile(matching(db.deleteFrom(table), table, where))),

    exists: (table: TableName, where: Where, hold: Hold): Statement =>
      keep(`exists ${table} ${shapeKey(where)} ${hold}`, () => {
        const query = matching(db.selectFrom(table).select(sql`1`.as('found')), table, where).limit(sql.lit(1))
        if (hold === 'none' || engine === 'sqlite') return compile(query)
        return compile(hold === 'share' ? query.forShare() : query.forNoKeyUpdate())
      }),

    get: (table: TableName, where: Where): Statement =>
      keep(`get ${table} ${shapeKey(where)}`, () =>
        compile(matching(db.selectFrom(table).select(columnsOf(table)), table, where).limit(sql.lit(2))),
      ),

    count: (table: TableName, where: Where): Statement =>
      keep(`count ${table} ${shapeKey(where)}`, () =>
        compile(
          matching(
            db.selectFrom(table).select((eb) => eb.fn.countAll().as('count')),
            table,
            where,
          ),
        ),
      ),

    list: (table: TableName, shape: ListShape): Statement => {
      const { where, by, descending, after } = shape
      const inKey = shape.in === undefined ? '' : `${shape.in} in ${shape.inLength}`
      return keep(`list ${table} ${shapeKey(where)} ${inKey} by ${by} ${descending} ${after}`, () => {
        let query = matching(db.selectFrom(table).select(columnsOf(table)), table, where)
        if (shape.in !== undefined) query = query.where(known(table, shape.in), 'in', numbered('in', shape.inLength))
        if (after) query = query.where(known(table, by), descending ? '<' : '>', new Slot('more', 'after'))
        else if (shapeOf(table).columns[by]?.endsWith('?')) query = query.where(by, 'is not', null)
        const limit = sql<number>`${new Slot('more', 'limit')}`
        return compile(query.orderBy(known(table, by), descending ? 'desc' : 'asc').limit(limit))
      })
    },

    standing: (length: number): Statement =>
      keep(`standing ${length}`, () =>
        compile(
          matching(db.selectFrom('standing').select(columnsOf('standing')), 'standing', {}).where(
            'id',
            'in',
            numbered('in', length),
          ),
        ),
      ),

    once: (name: string, make: (db: Builder) => Compilable): Statement => keep(`once ${name}`, () => compile(make(db))),
  }
}

/** `more.<name>0`, `more.<name>1`, … */
export function numbered(name: string, length: number): Slot[] {
  return Array.from({ length }, (_, index) => new Slot('more', `${name}${index}`))
}

export function columnsOf(table: TableName): string[] {
  return Object.keys(shapeOf(table).columns).filter((column) => column !== 'organization')
}

/** Refuses every name that is not in the schema: no other reaches SQL. */
export function known(table: TableName, column: string): string {
  if (column === 'organization' || !Object.hasOwn(shapeOf(table).columns, column)) {
    throw new TypeError(`The store has no column ${JSON.stringify(column)} in ${table}.`)
  }
  return column
}

function insertInto(db: Builder, table: TableName) {
  return db.insertInto(table).values({
    organization: new Slot('organization', 'organization'),
    ...slotsOf(table, shapeOf(table).columns, 'row'),
  })
}

type Filterable<Q> = {
  where(column: string, operator: '=', value: unknown): Q
  where(column: string, operator: 'is', value: null): Q
}

/** Only this organization's rows, and of them those that match. */
export function matching<Q extends Filterable<Q>>(query: Q, table: TableName, where: Where): Q {
  let narrowed = query.where('organization', '=', new Slot('organization', 'organization'))
  for (const [column, value] of Object.entries(where)) {
    const name = known(table, column)
    narrowed = value === null ? narrowed.where(name, 'is', null) : narrowed.where(name, '=', new Slot('where', name))
  }
  return narrowed
}

function slotsOf(table: TableName, columns: Where, from: 'row' | 'set'): Record<string, Slot> {
  const names = Object.keys(columns).filter((column) => column !== 'organization')
  return Object.fromEntries(names.map((column) => [known(table, column), new Slot(from, column)]))
}

/** A condition with an undefined value would vanish from a query built without care: it throws here instead. */
export function shapeKey(where: Where): string {
  let key = ''
  for (const column in where) {
    const value = where[column]
    if (value === undefined) throw new TypeError(`The store was given an undefined ${column}.`)
    key += value === null ? `${column}~,` : `${column},`
  }
  return key
}

function columnsKey(set: Where): string {
  return Object.keys(set).join()
}
