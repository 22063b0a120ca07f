import { sql } from 'kysely'
import { shapeOf } from './schema.ts'
import { type Bound, bind, Slot } from './statement.ts'
import type { Statements } from './statements.ts'
import type { TableName } from './tables.ts'

const rowsAtOnce = 1_000
const leaseMemoryMs = 7 * 24 * 60 * 60 * 1_000

/**
 * Deletes of what has expired at `now` (seconds), from every organization; each takes at most `rowsAtOnce` rows, so that nothing
 * waits long behind it. To be repeated until none of them finds any.
 */
export function expired(now: number, statements: Statements): Bound[] {
  return [
    bind(deleteBelow('replay_ids', 'expires_at', statements), { more: { bound: now } }),
    bind(deleteBelow('facts', 'forget_after', statements), { more: { bound: now } }),
    bind(deleteBelow('leases', 'seen_at_ms', statements), { more: { bound: now * 1_000 - leaseMemoryMs } }),
  ]
}

function deleteBelow(table: TableName, column: string, statements: Statements) {
  return statements.once(`sweep ${table}`, (db) => {
    const key = ['organization', ...shapeOf(table).key]
    const some = db
      .selectFrom(table)
      .select(key)
      .where(column, '<', new Slot('more', 'bound'))
      .limit(sql.lit(rowsAtOnce))
    // Processes that sweep at the same time take different rows.
    const mine = statements.engine === 'postgres' ? some.forUpdate().skipLocked() : some
    return db.deleteFrom(table).where(sql<boolean>`(${sql.join(key.map((name) => sql.ref(name)))}) in (${mine})`)
  })
}
