import { standingOf } from '../apply.ts'
import { isHoldable, mayMatch } from '../holdable.ts'
import type { OrganizationReads } from '../port.ts'
import { idsAtOnce, readsOf } from '../reads.ts'
import { type Bound, bind, chunksOf, type Row } from '../statement.ts'
import type { Statements } from '../statements.ts'
import type { RowOf } from '../tables.ts'
import type { Memory } from './memory.ts'

/** The reads of an organization, of which those that every request makes are answered from memory where they can be. */
export function rememberingReads(
  organization: string,
  read: (bound: Bound) => Row[],
  statements: Statements,
  memory: Memory,
): OrganizationReads {
  const plain = readsOf(organization, read, statements)
  return {
    ...plain,

    async get(table, where) {
      if (!memory.keeps(table)) return plain.get(table, where)
      const known = memory.find(organization, table, where)
      if (known) return known as never
      if (!mayMatch(where)) return undefined
      const [row, another] = read(bind(statements.get(table, where), { organization, where }))
      if (another) throw new Error(`More than one row of ${table} matches.`)
      if (row) memory.keep(organization, table, where, row)
      return row as never
    },

    async standing(ids) {
      const rows: Row[] = []
      const unknown: string[] = []
      for (const id of new Set(ids)) {
        const known = memory.standing(organization, id)
        if (known) rows.push(known)
        else if (known === undefined && isHoldable(id)) unknown.push(id)
      }
      for (const chunk of chunksOf(unknown, idsAtOnce)) {
        const found = read(standingOf(organization, chunk, statements))
        memory.keepStanding(organization, chunk, found)
        rows.push(...found)
      }
      return rows as unknown as Array<RowOf<'standing'>>
    },
  }
}
