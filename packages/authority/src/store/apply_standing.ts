import { sql } from 'kysely'
import { type Asking, read, write } from './ask.ts'
import type { Step, StoredFact } from './port.ts'
import { bind, chunksOf, padded, type Row, Slot } from './statement.ts'
import { columnsOf, matching, type Statements } from './statements.ts'

export type Ending = Extract<Step, { do: 'end' }>
type Restoring = Extract<Step, { do: 'restore' }>
export type FactInForce = StoredFact & { fresh: boolean }

/**
 * Ends `id`. Only one command of an organization is here at a time: SQLite has one writer, and on PostgreSQL the command
 * holds the organization's head row.
 */
export function* end(organization: string, ending: Ending, statements: Statements): Asking<FactInForce> {
  const { id, kind } = ending
  const final = ending.final ? 1 : 0
  const { rows } = yield read(bind(statements.get('standing', { id }), { organization, where: { id } }))
  const stands = rows[0]
  if (!stands) {
    const row = { id, kind, epoch: 1, alive: 0, final, since_ms: ending.atMs }
    yield write(bind(statements.insert('standing'), { organization, row }))
    return yield* appendFact(organization, ending, 1, true, statements)
  }
  if (stands.alive === 1) {
    const set = { epoch: (stands.epoch as number) + 1, alive: 0, final, since_ms: ending.atMs }
    yield write(bind(statements.update('standing', { id }, set), { organization, where: { id }, set }))
    return yield* appendFact(organization, ending, set.epoch, true, statements)
  }
  if (final > (stands.final as number)) {
    yield write(bind(statements.update('standing', { id }, { final }), { organization, where: { id }, set: { final } }))
  }
  const inForce = yield read(bind(lastFactOf(statements), { organization, where: { id } }))
  if (inForce.rows[0]) return { ...factOf(inForce.rows[0]), fresh: false }
  // The fact was swept. Whoever ends it again believes that somebody needs to hear of it: facts merge, so say it again.
  return yield* appendFact(organization, ending, stands.epoch as number, false, statements)
}

/** Takes the next number from the head row in this commit, so that numbers have no gaps and appear in order. */
function* appendFact(
  organization: string,
  { id, cause, atMs, forgetAfter }: Ending,
  epoch: number,
  fresh: boolean,
  statements: Statements,
): Asking<FactInForce> {
  const { rows } = yield read(bind(nextSeq(statements), { organization, row: { seq: 1, incarnation: 1 } }))
  const seq = numberIn(rows, 'seq')
  const row: StoredFact = { seq, id, epoch, cause, at_ms: atMs, forget_after: forgetAfter }
  yield write(bind(statements.insert('facts'), { organization, row }))
  return { ...row, fresh }
}

function nextSeq(statements: Statements) {
  return statements.once('next seq', (db) =>
    db
      .insertInto('heads')
      .values({
        organization: new Slot('organization', 'organization'),
        seq: new Slot('row', 'seq'),
        incarnation: new Slot('row', 'incarnation'),
      })
      .onConflict((on) => on.column('organization').doUpdateSet({ seq: sql`${sql.ref('heads.seq')} + 1` }))
      .returning('seq'),
  )
}

function lastFactOf(statements: Statements) {
  return statements.once('last fact of', (db) =>
    matching(db.selectFrom('facts').select(columnsOf('facts')), 'facts', { id: '' })
      // An expression, so that the few facts of this id are sorted and not all facts walked backwards.
      .orderBy(sql`+seq`, 'desc')
      .limit(sql.lit(1)),
  )
}

export function* restore(organization: string, step: Restoring, statements: Statements): Asking<boolean> {
  const where = { id: step.id, alive: 0, final: 0 }
  const set = { alive: 1, since_ms: step.atMs }
  const { changes } = yield write(bind(statements.update('standing', where, set), { organization, where, set }))
  return changes === 1
}

export function* raiseIncarnation(organization: string, from: number, statements: Statements): Asking<boolean> {
  const row = { seq: 0, incarnation: 1 }
  yield write(bind(statements.insert('heads'), { organization, row }))
  const where = { incarnation: from }
  const set = { incarnation: from + 1 }
  const { changes } = yield write(bind(statements.update('heads', where, set), { organization, where, set }))
  return changes === 1
}

const placedAtOnce = 64

export function* place(
  organization: string,
  records: ReadonlyArray<{ id: string; position: number }>,
  statements: Statements,
): Asking<boolean> {
  for (const chunk of chunksOf(records, placedAtOnce)) {
    const list = padded(chunk)
    const more: Record<string, string | number> = {}
    for (const [index, { id, position }] of list.entries()) {
      more[`id${index}`] = id
      more[`position${index}`] = position
    }
    const answer = yield write(bind(placing(list.length, statements), { organization, more }))
    if (answer.taken || answer.changes !== chunk.length) return false
  }
  return true
}

/** Both engines call the columns of a list of values `column1` and `column2`. */
function placing(length: number, statements: Statements) {
  return statements.once(`place ${length}`, (db) => {
    const pairs = Array.from(
      { length },
      (_, index) =>
        sql`(cast(${new Slot('more', `id${index}`)} as text), cast(${new Slot('more', `position${index}`)} as bigint))`,
    )
    const given = sql<{ column1: string; column2: number }>`(values ${sql.join(pairs)})`.as('given')
    return db
      .updateTable('audit_records')
      .from(given)
      .set({ position: sql.ref('given.column2') })
      .where('audit_records.organization', '=', new Slot('organization', 'organization'))
      .whereRef('audit_records.id', '=', 'given.column1')
      .where('audit_records.position', 'is', null)
  })
}

export function factOf(row: Row): StoredFact {
  const { seq, id, epoch, cause, at_ms, forget_after } = row as unknown as StoredFact
  return { seq, id, epoch, cause, at_ms, forget_after }
}

function numberIn(rows: readonly Row[], column: string): number {
  const value = rows[0]?.[column]
  if (typeof value !== 'number') throw new Error(`The store answered without ${column}.`)
  return value
}
