import { type RawBuilder, sql } from 'kysely'
import { isWritable, isWrite, onlyIssues, wholeRow } from '../apply.ts'
import { asQuery } from '../engine.ts'
import type { Command, Outcome, Step } from '../port.ts'
import { shapeOf, uniqueKeysOf } from '../schema.ts'
import { type Bound, bind, type Row, Slot, type Statement } from '../statement.ts'
import { columnsOf, known, type Statements, shapeKey } from '../statements.ts'
import type { TableName } from '../tables.ts'

/**
 * A command as one statement, which is its own transaction: one way to the server and back, whatever it checks and writes.
 *
 *     with gate as materialized (select case when not (<condition of step 0>) then 0 … else -1 end as step),
 *       step1 as (insert into … select … from gate where step = -1), …
 *     select step from gate
 *
 * All parts see the same snapshot, so it fits only commands none of whose steps depends on what an earlier one wrote. An insert
 * that loses a race after the gate raises an error that undoes the whole; the command is then run as a transaction, which
 * waits for the other and says which step it was.
 */
export function singleStatement(command: Command, statements: Statements): Bound | undefined {
  const { steps, audit, organization } = command
  const key = shapeOfCommand(command)
  if (key === undefined) return undefined
  const statement = statements.once(key, (db) => asQuery(db, compose(command)))
  const more: Record<string, unknown> = {}
  for (const [index, step] of steps.entries()) collect(more, index, step)
  if (audit) {
    Object.assign(more, { id: audit.id, leaf: audit.leaf, leaf_hash: audit.leafHash, at_ms: audit.atMs })
    for (const [index, { name, salt, value }] of audit.values.entries()) {
      more[`name${index}`] = name
      more[`salt${index}`] = salt
      more[`value${index}`] = value
    }
  }
  return bind(statement satisfies Statement, { organization, more })
}

/** The outcome that the statement's one row means. */
export function outcomeOf(command: Command, rows: readonly Row[]): Outcome {
  const failed = rows[0]?.step
  if (typeof failed !== 'number') throw new Error('The store answered without a step.')
  if (failed < 0) return { done: true, facts: [] }
  const step = command.steps[failed]
  if (!step || !('otherwise' in step)) throw new Error('The store refused a step without a condition.')
  return { done: false, refused: step.otherwise, step: failed }
}

const mostSteps = 12
const mostValues = 8

/** Undefined when the command does not fit one statement. */
function shapeOfCommand(command: Command): string | undefined {
  const { steps, audit } = command
  if (steps.length > mostSteps || (audit && audit.values.length > mostValues)) return undefined
  const inserted = new Set<TableName>()
  const changed = new Set<TableName>()
  let key = `single ${audit ? audit.values.length : 'bare'}`
  for (const step of steps) {
    // What is a mistake is a mistake in a transaction, which says so.
    if (isWrite(step) && 'table' in step && !isWritable(step.table)) return undefined
    switch (step.do) {
      case 'alive':
        key += '; alive'
        break
      case 'insert':
        if (changed.has(step.table)) return undefined
        inserted.add(step.table)
        key += `; insert ${step.table}`
        break
      case 'insert_if_absent':
        // Whether it finds a row may depend on any other write to the table, and the parts run in no order.
        if (inserted.has(step.table) || changed.has(step.table)) return undefined
        changed.add(step.table)
        key += `; insert_if_absent ${step.table}`
        break
      case 'require':
      case 'absent':
        // A transaction holds what it requires; a statement that only issues need not.
        if (inserted.has(step.table) || changed.has(step.table)) return undefined
        if (step.do === 'require' && !onlyIssues(command)) return undefined
        key += `; ${step.do} ${step.table} ${shapeKey(step.where)}`
        break
      case 'touch':
        if (inserted.has(step.table) || changed.has(step.table)) return undefined
        if (Object.keys(step.where).length === 0) return undefined
        changed.add(step.table)
        key += `; touch ${step.table} ${shapeKey(step.where)} ${Object.keys(step.set)} ${step.olderThan?.column}`
        break
      default:
        return undefined
    }
  }
  return key
}

function collect(more: Record<string, unknown>, index: number, step: Step): void {
  switch (step.do) {
    case 'alive':
      more[`lineage${index}`] = JSON.stringify(step.lineage.map(([id, epoch]) => ({ id, epoch })))
      return
    case 'insert':
    case 'insert_if_absent':
      prefix(more, `row${index}.`, wholeRow(step.table, step.row))
      return
    case 'require':
    case 'absent':
      prefix(more, `where${index}.`, step.where)
      return
    case 'touch':
      prefix(more, `where${index}.`, step.where)
      prefix(more, `set${index}.`, step.set)
      more[`older${index}`] = step.olderThan?.value
  }
}

function prefix(more: Record<string, unknown>, start: string, values: Readonly<Record<string, unknown>>): void {
  for (const column in values) more[start + column] = values[column]
}

function compose({ steps, audit }: Command) {
  const conditions = steps.flatMap((step, index) => {
    const condition = conditionOf(step, index)
    return condition ? [sql`when not (${condition}) then ${sql.lit(index)}`] : []
  })
  const gate =
    conditions.length > 0
      ? sql`select case ${sql.join(conditions, sql` `)} else -1 end as step`
      : sql`select -1 as step`
  const writes = steps.flatMap((step, index) => {
    const write = writeOf(step, index)
    return write ? [sql`${sql.id(`step${index}`)} as (${write})`] : []
  })
  if (audit) {
    const record = { id: 'id', leaf: 'leaf', leaf_hash: 'leaf_hash', at_ms: 'at_ms' }
    writes.push(sql`record as (${insertThrough('audit_records', record)})`)
    for (let index = 0; index < audit.values.length; index++) {
      const value = { record: 'id', name: `name${index}`, salt: `salt${index}`, value: `value${index}` }
      writes.push(sql`${sql.id(`value${index}`)} as (${insertThrough('audit_values', value)})`)
    }
  }
  const parts = [sql`gate as materialized (${gate})`, ...writes]
  return sql`with ${sql.join(parts)} select step from gate`
}

function conditionOf(step: Step, index: number): RawBuilder<unknown> | undefined {
  switch (step.do) {
    case 'alive':
      return sql`not exists (
        select 1 from json_to_recordset(cast(${new Slot('more', `lineage${index}`)} as json)) as given(id text, epoch bigint)
        join standing on standing.organization = ${organization()} and standing.id = given.id
        where standing.alive <> 1 or standing.epoch > given.epoch)`
    case 'require':
      return sql`exists (${matchingIn(step.table, step.where, index)})`
    case 'absent':
      return sql`not exists (${matchingIn(step.table, step.where, index)})`
    case 'insert': {
      const free = uniqueKeysOf(step.table).map((key) => {
        const equal = key.map((column) => sql`${sql.ref(column)} = ${rowSlot(column, index)}`)
        return sql`not exists (select 1 from ${sql.table(step.table)} where ${sql.join(equal, sql` and `)})`
      })
      return sql.join(free, sql` and `)
    }
    default:
      return undefined
  }
}

function writeOf(step: Step, index: number): RawBuilder<unknown> | undefined {
  switch (step.do) {
    case 'insert':
    case 'insert_if_absent': {
      const names = Object.fromEntries(columnsOf(step.table).map((column) => [column, `row${index}.${column}`]))
      const insert = insertThrough(step.table, names)
      return step.do === 'insert' ? insert : sql`${insert} on conflict do nothing`
    }
    case 'touch': {
      const { table, where, set, olderThan } = step
      const assigned = Object.keys(set).map(
        (column) => sql`${sql.id(known(table, column))} = ${new Slot('more', `set${index}.${column}`)}`,
      )
      const column = olderThan && sql.ref(known(table, olderThan.column))
      const older = column && sql` and (${column} is null or ${column} < ${new Slot('more', `older${index}`)})`
      return sql`update ${sql.table(table)} set ${sql.join(assigned)} from gate
        where gate.step = -1 and ${matches(table, where, index)}${older ?? sql``}`
    }
    default:
      return undefined
  }
}

/** An insert of one row that happens only where the gate is open. @param names the slot of each column. */
function insertThrough(table: TableName, names: Record<string, string>): RawBuilder<unknown> {
  const { columns } = shapeOf(table)
  const values = Object.entries(names).map(([column, slot]) => {
    const kind = columns[column] ?? 'text'
    const type = kind.startsWith('text') ? sql`text` : kind.startsWith('integer') ? sql`bigint` : sql`bytea`
    return sql`cast(${new Slot('more', slot)} as ${type})`
  })
  const into = ['organization', ...Object.keys(names)].map((column) => sql.id(column))
  return sql`insert into ${sql.table(table)} (${sql.join(into)})
    select cast(${organization()} as text), ${sql.join(values)} from gate where gate.step = -1`
}

function matchingIn(table: TableName, where: object, index: number): RawBuilder<unknown> {
  return sql`select 1 from ${sql.table(table)} where ${matches(table, where, index)}`
}

function matches(table: TableName, where: object, index: number): RawBuilder<unknown> {
  const narrowed = Object.entries(where).map(([column, value]) => {
    const name = sql.ref(known(table, column))
    return value === null ? sql`${name} is null` : sql`${name} = ${new Slot('more', `where${index}.${column}`)}`
  })
  return sql.join([sql`organization = ${organization()}`, ...narrowed], sql` and `)
}

function organization(): Slot {
  return new Slot('organization', 'organization')
}

function rowSlot(column: string, index: number): Slot {
  return column === 'organization' ? organization() : new Slot('more', `row${index}.${column}`)
}
