import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Outcome, RowOf, Step, StoredFact } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import { alive, auditRecord, end, newOrganization, person } from './examples.ts'

type Person = RowOf<'people'>
type Standing = RowOf<'standing'>

/** The same promises, written as simply as they can be: one organization, one command after the other. */
class Model {
  people = new Map<string, Person>()
  standing = new Map<string, Standing>()
  facts: StoredFact[] = []
  unplaced: string[] = []
  places = new Map<string, number>()

  commit(steps: readonly Step[], audit: string): Outcome {
    const undo = structuredClone({ ...this })
    const facts: Array<StoredFact & { fresh: boolean }> = []
    for (const [step, each] of steps.entries()) {
      const took = this.#take(each)
      if (took === false) {
        Object.assign(this, undo)
        return { done: false, refused: 'conflict', step }
      }
      if (took !== true) facts.push(took)
    }
    this.unplaced.push(audit)
    return { done: true, facts }
  }

  #take(step: Step): boolean | (StoredFact & { fresh: boolean }) {
    if (step.do === 'alive') return step.lineage.every(([id, epoch]) => this.#lives(id, epoch))
    if (step.do === 'end') return this.#end(step)
    if (step.do === 'restore') {
      const row = this.standing.get(step.id)
      if (!row || row.alive || row.final) return false
      this.standing.set(step.id, { ...row, alive: 1, since_ms: step.atMs })
      row.since_ms = step.atMs
      return true
    }
    if (step.do === 'place') {
      return step.records.every(({ id, position }) => {
        if (!this.unplaced.includes(id) || [...this.places.values()].includes(position)) return false
        this.unplaced = this.unplaced.filter((other) => other !== id)
        this.places.set(id, position)
        return true
      })
    }
    if (step.do === 'raise_incarnation' || step.table !== 'people') throw new Error('not in the model')
    const matching =
      'where' in step ? [...this.people.values()].filter((row) => matches(row, step.where as object)) : []
    switch (step.do) {
      case 'insert':
        if (this.people.has(step.row.id)) return false
        this.people.set(step.row.id, step.row)
        return true
      case 'insert_if_absent':
        if (!this.people.has(step.row.id)) this.people.set(step.row.id, step.row)
        return true
      case 'put':
        this.people.set(step.row.id, step.row)
        return true
      case 'update':
        if (matching.length !== 1) return false
        for (const row of matching) this.people.set(row.id, { ...row, ...step.set })
        return true
      case 'touch': {
        const { olderThan } = step
        const older = matching.filter((row) => !olderThan || (row[olderThan.column] as number) < olderThan.value)
        for (const row of older) this.people.set(row.id, { ...row, ...step.set })
        return true
      }
      case 'delete':
        for (const row of matching) this.people.delete(row.id)
        return true
      case 'require':
        return matching.length > 0
      case 'absent':
        return matching.length === 0
    }
  }

  #lives(id: string, epoch: number): boolean {
    const row = this.standing.get(id)
    return !row || (row.alive === 1 && row.epoch <= epoch)
  }

  #end(step: Extract<Step, { do: 'end' }>): StoredFact & { fresh: boolean } {
    const never = { id: step.id, kind: step.kind, epoch: 0, alive: 1, final: 0, since_ms: 0 } as const
    const row = this.standing.get(step.id) ?? never
    const known = this.facts.findLast(({ id }) => id === step.id)
    if (!row.alive && known) {
      if (step.final) this.standing.set(step.id, { ...row, final: 1 })
      return { ...known, fresh: false }
    }
    const final = step.final ? 1 : 0
    this.standing.set(step.id, { ...row, epoch: row.epoch + 1, alive: 0, final, since_ms: step.atMs })
    const { id, cause, atMs: at_ms, forgetAfter: forget_after } = step
    const fact = { seq: this.facts.length + 1, id, epoch: row.epoch + 1, cause, at_ms, forget_after }
    this.facts.push(fact)
    return { ...fact, fresh: true }
  }
}

function matches(row: object, where: object): boolean {
  return Object.entries(where).every(([column, value]) => (row as Record<string, unknown>)[column] === value)
}

const id = fc.constantFrom('a', 'b', 'c')
const name = fc.constantFrom('Ada', 'Grace')
const time = fc.integer({ min: 0, max: 3 })
const row = fc.record({ id, name, created_at_ms: time }).map((some) => ({ ...person(some.id), ...some }))
const where = fc.oneof(
  fc.record({ id }),
  fc.record({ name }),
  fc.record({ id, name }),
  fc.record({ created_at_ms: time }),
)
const set = fc.oneof(fc.record({ name }), fc.record({ created_at_ms: time }), fc.record({ name, created_at_ms: time }))
const table = 'people' as const
const otherwise = 'conflict' as const

/** Steps that place records name them by age, which only the run knows. */
type Drawn = Step | { place: number; position: number }

const step: fc.Arbitrary<Drawn> = fc.oneof(
  row.map((row): Step => ({ do: 'insert', table, row, otherwise })),
  row.map((row): Step => ({ do: 'insert_if_absent', table, row })),
  row.map((row): Step => ({ do: 'put', table, row })),
  fc.tuple(where, set).map(([where, set]): Step => ({ do: 'update', table, where, set, otherwise })),
  fc.tuple(where, set).map(([where, set]): Step => ({ do: 'touch', table, where, set })),
  fc.tuple(where, set, time).map(
    ([where, set, value]): Step => ({
      do: 'touch',
      table,
      where,
      set,
      olderThan: { column: 'created_at_ms', value },
    }),
  ),
  where.map((where): Step => ({ do: 'delete', table, where })),
  where.map((where): Step => ({ do: 'require', table, where, otherwise })),
  where.map((where): Step => ({ do: 'absent', table, where, otherwise })),
  fc.array(fc.tuple(id, time), { maxLength: 3 }).map((lineage): Step => ({ ...alive(...lineage), otherwise }) as Step),
  fc.tuple(id, fc.boolean(), time).map(([id, final, atMs]): Step => end(id, { final, atMs })),
  fc.tuple(id, time).map(([id, atMs]): Step => ({ do: 'restore', id, atMs, otherwise })),
  fc.record({ place: fc.nat(3), position: fc.nat(3) }),
)

const runs = process.env.CREDENCE_LONG ? 2_000 : 100

export function model({ store }: Setting): void {
  describe('any sequence of commands', () => {
    it('does what the model does', { timeout: 120_000 }, async () => {
      const sequence = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(sequence, async (commands) => {
          const organization = newOrganization()
          const model = new Model()
          for (const drawn of commands) {
            const steps = drawn.map((each): Step => {
              if ('do' in each) return each
              const record = model.unplaced[each.place] ?? [...model.places.keys()][each.place] ?? 'aud_0'
              return { do: 'place', records: [{ id: record, position: each.position }], otherwise }
            })
            const audit = auditRecord()
            const outcome = await store().commit({ organization, steps, audit })
            expect(outcome.done ? outcome : { ...outcome, refused: 'conflict' }).toStrictEqual(
              model.commit(steps, audit.id),
            )
          }
          const reads = store().of(organization)
          const sorted = <T extends { id: string }>(rows: Iterable<T>) =>
            [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))
          const order = { by: 'id' } as const
          expect(await reads.list('people', { order, limit: 99 })).toStrictEqual(sorted(model.people.values()))
          expect(await reads.list('standing', { order, limit: 99 })).toStrictEqual(sorted(model.standing.values()))
          expect(await reads.facts(0, 99)).toStrictEqual(model.facts)
          expect((await reads.head()).seq).toBe(model.facts.length)
          expect((await reads.unplaced(99)).map(({ id }) => id)).toStrictEqual(model.unplaced)
          const placed = await reads.list('audit_records', { order: { by: 'position' }, limit: 99 })
          expect(placed.map(({ id, position }) => [id, position])).toStrictEqual(
            [...model.places].sort((a, b) => a[1] - b[1]),
          )
        }),
        { numRuns: runs },
      )
    })
  })
}
