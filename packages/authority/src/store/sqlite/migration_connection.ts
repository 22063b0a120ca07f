import type { MigrationConnection } from '../migrate.ts'
import type { Row } from '../statement.ts'
import type { Connection } from './connection.ts'

export function migrationConnection({ database }: Connection): MigrationConnection {
  return {
    engine: 'sqlite',
    async transaction(work) {
      database.exec('begin immediate')
      try {
        const result = await work(async (sql, values = []) => {
          const statement = database.prepare(sql)
          if (statement.columns().length > 0) return { rows: statement.all(...values) as Row[], changes: 0 }
          return { rows: [], changes: Number(statement.run(...values).changes) }
        })
        database.exec('commit')
        return result
      } catch (error) {
        if (database.isTransaction) database.exec('rollback')
        throw error
      }
    },
  }
}
