import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Execute, MigrationConnection } from '../migrate.ts'
import type { Row } from '../statement.ts'

const mostTries = 10

/** What processes that start together on an empty database may see of each other's first steps. */
const collisions = new Set(['23505', '42P07', '42710', '40001', '40P01', 'XX000'])

export function migrationConnection(client: pg.ClientBase): MigrationConnection {
  const execute: Execute = async (text, values = []) => {
    const { rows, rowCount } = await client.query<Row>(text, [...values])
    return { rows, changes: rowCount ?? 0 }
  }
  return {
    engine: 'postgres',
    async transaction(work) {
      for (let attempt = 1; ; attempt++) {
        await client.query('begin')
        try {
          const result = await work(execute)
          await client.query('commit')
          return result
        } catch (error) {
          await client.query('rollback')
          if (!isCollision(error) || attempt === mostTries) throw error
          await sleep(Math.random() * 50 * attempt)
        }
      }
    },
  }
}

function isCollision(error: unknown): boolean {
  return error instanceof Error && 'code' in error && collisions.has(String(error.code))
}
