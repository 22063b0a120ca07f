import { Recent } from '@credence/protocol'
import { isWrite } from '../apply.ts'
import type { Command, Step } from '../port.ts'
import { shapeOf } from '../schema.ts'
import type { Row } from '../statement.ts'
import type { TableName } from '../tables.ts'

type Where = Readonly<Record<string, unknown>>

/** Tables of which requests read the same rows again and again. The key of each is `id`. */
const keptTables: ReadonlySet<TableName> = new Set([
  'agents',
  'instances',
  'credentials',
  'people',
  'resources',
  'delegations',
])

/** Up to twice as many, with the texts of delegations some kilobytes each: what an authority holds has to end somewhere. */
const mostRows = 20_000

/**
 * Rows as they were read last, until a command that could change them is answered, or fails, or nobody knows what became of it.
 *
 * That is enough: one process owns the file, all its commands pass through `forget` before whoever sent them hears of them, and
 * a read and its `keep` happen in one go, so that no answer comes in between. Conditions of commands never look here.
 */
export class Memory {
  /** By organization, table and id. Null: there is no such row (of `standing`, where that says that it stands at epoch 0). */
  readonly #rows = new Recent<Row | null>(mostRows)
  /** By what else is unique: the id of the row that had it. It may be another's by now, so the row itself is compared. */
  readonly #ids = new Recent<string>(mostRows)

  keeps(table: TableName): boolean {
    return keptTables.has(table)
  }

  /** The one row that matches, if it is known. */
  find(organization: string, table: TableName, where: Where): Row | undefined {
    const id = where.id ?? this.#ids.get(lookupOf(organization, table, where))
    const row = id === undefined ? undefined : this.#rows.get(nameOf(organization, table, id as string))
    return row && matches(row, where) ? row : undefined
  }

  keep(organization: string, table: TableName, where: Where, row: Row): void {
    const id = row.id as string
    this.#rows.set(nameOf(organization, table, id), Object.freeze(row))
    if (isUnique(table, where)) this.#ids.set(lookupOf(organization, table, where), id)
  }

  /** Undefined: not known. Null: known not to have a row. */
  standing(organization: string, id: string): Row | null | undefined {
    return this.#rows.get(nameOf(organization, 'standing', id))
  }

  keepStanding(organization: string, ids: readonly string[], rows: readonly Row[]): void {
    for (const id of ids) this.#rows.set(nameOf(organization, 'standing', id), null)
    for (const row of rows) this.#rows.set(nameOf(organization, 'standing', row.id as string), Object.freeze(row))
  }

  forget({ organization, steps }: Command): void {
    for (const step of steps) {
      const table = tableOf(step)
      if (table === undefined) continue
      const id = idOf(step)
      // It changes whatever matches, which is not known here. No step of the authority does.
      if (typeof id !== 'string') this.clear()
      else this.#rows.delete(nameOf(organization, table, id))
    }
  }

  clear(): void {
    this.#rows.clear()
    this.#ids.clear()
  }
}

/** The table of which this step changes rows that are kept here. */
function tableOf(step: Step): TableName | undefined {
  if (!isWrite(step)) return undefined
  if ('table' in step) return keptTables.has(step.table) ? step.table : undefined
  return 'id' in step ? 'standing' : undefined
}

function idOf(step: Step): unknown {
  if ('id' in step) return step.id
  const columns: Where = 'row' in step ? step.row : 'where' in step ? step.where : {}
  return columns.id
}

function nameOf(organization: string, table: TableName, id: string): string {
  return `${organization} ${table} ${id}`
}

/** Two lookups may have one name: what is found under it is compared. */
function lookupOf(organization: string, table: TableName, where: Where): string {
  let name = `${organization} ${table}`
  for (const column in where) name += ` ${column} ${where[column]}`
  return name
}

function isUnique(table: TableName, where: Where): boolean {
  const columns = Object.keys(where)
  return shapeOf(table).unique.some(
    (unique) => unique.length === columns.length && unique.every((column) => columns.includes(column)),
  )
}

function matches(row: Row, where: Where): boolean {
  for (const column in where) if (row[column] !== where[column]) return false
  return true
}
