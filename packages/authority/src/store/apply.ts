import type { RefusalCode } from '@credence/protocol'
import { type Ending, end, type FactInForce, place, raiseIncarnation, restore } from './apply_standing.ts'
import { type Asking, read, write } from './ask.ts'
import type { AuditRecord, Command, Outcome, Step } from './port.ts'
import { shapeOf } from './schema.ts'
import { type Bound, bind, chunksOf, padded } from './statement.ts'
import type { Hold, Statements } from './statements.ts'
import type { TableName } from './tables.ts'

/**
 * A command, statement by statement: the one meaning of every step, whichever driver executes. When it returns a refusal, or
 * throws, the driver undoes everything it asked for.
 */
export function* apply(command: Command, statements: Statements): Asking<Outcome> {
  const facts: FactInForce[] = []
  for (const [index, step] of command.steps.entries()) {
    const took = yield* applyStep(command, step, statements)
    if (typeof took === 'string') return { done: false, refused: took, step: index }
    if (took) facts.push(took)
  }
  if (command.audit) yield* append(command.organization, command.audit, statements)
  return { done: true, facts }
}

function* applyStep(
  command: Command,
  step: Step,
  statements: Statements,
): Asking<RefusalCode | FactInForce | undefined> {
  const { organization } = command
  if (isWrite(step) && 'table' in step && !isWritable(step.table)) {
    throw new TypeError(`The store was asked to change ${step.table} around its steps.`)
  }
  switch (step.do) {
    case 'insert':
    case 'insert_if_absent': {
      const values = { organization, row: wholeRow(step.table, step.row) }
      const mustInsert = step.do === 'insert'
      const { changes } = yield write(bind(statements.insert(step.table), values), !mustInsert)
      return mustInsert && changes !== 1 ? step.otherwise : undefined
    }
    case 'put': {
      const values = { organization, row: wholeRow(step.table, step.row) }
      yield write(bind(statements.put(step.table), values), true)
      return
    }
    case 'update': {
      const { table, where, set } = step
      narrow(table, where)
      const { changes, taken } = yield write(bind(statements.update(table, where, set), { organization, where, set }))
      return taken || changes !== 1 ? step.otherwise : undefined
    }
    case 'touch': {
      const { table, where, set, olderThan } = step
      narrow(table, where)
      const statement = statements.touch(table, where, set, olderThan?.column)
      yield write(bind(statement, { organization, where, set, more: { olderThan: olderThan?.value } }), true)
      return
    }
    case 'delete': {
      const { table, where } = step
      narrow(table, where)
      yield write(bind(statements.remove(table, where), { organization, where }), true)
      return
    }
    case 'require':
    case 'absent': {
      const { table, where } = step
      const hold = step.do === 'require' ? holdOn(command, table) : 'none'
      const { rows } = yield read(bind(statements.exists(table, where, hold), { organization, where }))
      return rows.length > 0 === (step.do === 'require') ? undefined : step.otherwise
    }
    case 'alive':
      return (yield* allAlive(organization, step.lineage, statements)) ? undefined : step.otherwise
    case 'end':
      return yield* end(organization, step satisfies Ending, statements)
    case 'restore':
      return (yield* restore(organization, step, statements)) ? undefined : step.otherwise
    case 'raise_incarnation':
      return (yield* raiseIncarnation(organization, step.from, statements)) ? undefined : step.otherwise
    case 'place':
      return (yield* place(organization, step.records, statements)) ? undefined : step.otherwise
    default:
      throw new TypeError(`The store knows no step ${JSON.stringify((step as { do: unknown }).do)}.`)
  }
}

/** A command that only issues waits for nobody; any other holds what it required, strongly where it goes on to change it. */
function holdOn(command: Command, table: TableName): Hold {
  if (onlyIssues(command)) return 'none'
  const changed = command.steps.some((step) => isWrite(step) && 'table' in step && step.table === table)
  return changed ? 'change' : 'share'
}

/** Writes nothing but replay ids, touches and its audit record. */
export function onlyIssues({ steps }: Command): boolean {
  return steps.every(
    (step) => !isWrite(step) || step.do === 'touch' || ('table' in step && step.table === 'replay_ids'),
  )
}

export function isWrite(step: Step): boolean {
  return step.do !== 'require' && step.do !== 'absent' && step.do !== 'alive'
}

const standingAtOnce = 64

function* allAlive(
  organization: string,
  lineage: ReadonlyArray<readonly [id: string, epoch: number]>,
  statements: Statements,
): Asking<boolean> {
  for (const chunk of chunksOf(lineage, standingAtOnce)) {
    const { rows } = yield read(
      standingOf(
        organization,
        chunk.map(([id]) => id),
        statements,
      ),
    )
    if (rows.length === 0) continue
    for (const [id, epoch] of chunk) {
      const row = rows.find((candidate) => candidate.id === id)
      if (row && (row.alive !== 1 || (row.epoch as number) > epoch)) return false
    }
  }
  return true
}

/** @param ids at least one, at most `standingAtOnce`. */
export function standingOf(organization: string, ids: readonly string[], statements: Statements): Bound {
  const list = padded(ids)
  const more = Object.fromEntries(list.map((id, index) => [`in${index}`, id]))
  return bind(statements.standing(list.length), { organization, more })
}

function* append(organization: string, audit: AuditRecord, statements: Statements): Asking<void> {
  const row = { id: audit.id, leaf: audit.leaf, leaf_hash: audit.leafHash, at_ms: audit.atMs, position: null }
  const { changes } = yield write(bind(statements.insert('audit_records'), { organization, row }))
  if (changes !== 1) throw new Error('An audit record of this id exists.')
  for (const { name, salt, value } of audit.values) {
    const values = { organization, row: { record: audit.id, name, salt, value } }
    const stored = yield write(bind(statements.insert('audit_values'), values))
    if (stored.changes !== 1) throw new Error(`An audit record commits to ${name} twice.`)
  }
}

/** Exactly the columns of the table: the types say so, and what came around them must not be lost in silence. */
export function wholeRow(table: TableName, row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { columns } = shapeOf(table)
  for (const column in row) {
    if (column === 'organization' || !Object.hasOwn(columns, column)) {
      throw new TypeError(`The store has no column ${JSON.stringify(column)} in ${table}.`)
    }
  }
  return row
}

function narrow(table: TableName, where: Readonly<Record<string, unknown>>): void {
  const oneRow = shapeOf(table).key.length === 0
  if (!oneRow && Object.keys(where).length === 0) throw new TypeError(`The store was asked to change all of ${table}.`)
}

const withStepsOfTheirOwn: ReadonlySet<TableName> = new Set(['standing', 'facts', 'heads', 'audit_records'])

export function isWritable(table: TableName): boolean {
  return !withStepsOfTheirOwn.has(table)
}
