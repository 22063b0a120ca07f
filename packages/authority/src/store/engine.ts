import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { Slot, type Statement } from './statement.ts'

export type EngineName = 'sqlite' | 'postgres'

/** Names reach the builder only from `schema`, so its types need not know them. */
export type Builder = Kysely<Record<string, Record<string, unknown>>>

/** Kysely as a compiler alone: the drivers execute. */
export function builderOf(engine: EngineName): Builder {
  const createDriver = () => new DummyDriver()
  return new Kysely({
    dialect:
      engine === 'sqlite'
        ? {
            createDriver,
            createAdapter: () => new SqliteAdapter(),
            createQueryCompiler: () => new SqliteQueryCompiler(),
            createIntrospector: (db) => new SqliteIntrospector(db),
          }
        : {
            createDriver,
            createAdapter: () => new PostgresAdapter(),
            createQueryCompiler: () => new PostgresQueryCompiler(),
            createIntrospector: (db) => new PostgresIntrospector(db),
          },
  })
}

/** SQL written out, where the builder has no words for it. */
export function asQuery(db: Builder, query: RawBuilder<unknown>): Compilable {
  return { compile: () => query.compile(db) as CompiledQuery }
}

let compiled = 0

/** @param query every value of it is a `Slot`. */
export function compile(query: Compilable): Statement {
  const { sql, parameters } = query.compile()
  const slots = parameters.map((parameter) => {
    if (!(parameter instanceof Slot)) throw new TypeError(`A value is part of the statement: ${sql}`)
    return parameter
  })
  compiled += 1
  return { name: `s${compiled}`, sql, slots }
}
