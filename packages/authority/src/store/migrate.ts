import { refuse } from '@credence/protocol'
import { builderOf, type EngineName } from './engine.ts'
import { migrations as ours } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'
import type { Row, Value } from './statement.ts'

/** The connection a migration runs on, alone. */
export type MigrationConnection = {
  engine: EngineName
  /** Runs `work` in a transaction of its own. SQLite: one that holds the write lock from the start. */
  transaction<T>(work: (execute: Execute) => Promise<T>): Promise<T>
}

export type Execute = (sql: string, values?: readonly Value[]) => Promise<{ rows: Row[]; changes: number }>

/**
 * Brings the schema to this version, a step at a time, each wholly or not at all; goes on where a run was cut off. Processes
 * that start together do not disturb one another: whoever notes a step first takes it, the others wait for it.
 *
 * @throws Refusal `schema_newer` when a newer version has been here.
 */
export async function migrate(connection: MigrationConnection, migrations: readonly Migration[] = ours): Promise<void> {
  const db = builderOf(connection.engine)
  await connection.transaction(async (execute) => {
    await execute(
      db.schema
        .createTable('schema_versions')
        .ifNotExists()
        .addColumn('version', 'integer', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .compile().sql,
    )
  })
  for (const migration of migrations) {
    await connection.transaction(async (execute) => {
      await refuseNewer(execute, migrations)
      const note = db
        .insertInto('schema_versions')
        .values({ version: migration.version, name: migration.name })
        .onConflict((on) => on.doNothing())
        .compile()
      const { changes } = await execute(note.sql, note.parameters as Value[])
      if (changes === 0) return
      for (const statement of migration.statements(db, connection.engine)) {
        const { sql, parameters } = statement.compile()
        await execute(sql, parameters as Value[])
      }
    })
  }
}

async function refuseNewer(execute: Execute, migrations: readonly Migration[]): Promise<void> {
  const { rows } = await execute('select version, name from schema_versions order by version')
  for (const { version, name } of rows) {
    const known = migrations.find((migration) => migration.version === version)
    if (known?.name !== name) refuse('schema_newer', { detail: `Its schema has step ${version}, ${name}.` })
  }
}
