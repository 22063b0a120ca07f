import { describe, expect, it } from 'vitest'
import type { Step } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import { auditRecord, command, insertPerson, newOrganization, person } from './examples.ts'

export function mistakes({ store }: Setting): void {
  // What the types forbid, as it could come around them.
  const wrong: Array<[string, unknown]> = [
    ['an undefined condition', { do: 'delete', table: 'people', where: { id: undefined } }],
    [
      'an undefined condition of require',
      { do: 'require', table: 'people', where: { id: undefined }, otherwise: 'conflict' },
    ],
    ['an undefined value', { do: 'touch', table: 'people', where: { id: 'x' }, set: { name: undefined } }],
    ['a row that lacks a column', { do: 'insert', table: 'people', row: { id: 'x' }, otherwise: 'conflict' }],
    ['a row with a column too many', { do: 'put', table: 'people', row: { ...person('x'), age: 1 } }],
    ['a row that names its organization', { do: 'put', table: 'people', row: { ...person('x'), organization: 'o' } }],
    ['a condition on the organization', { do: 'delete', table: 'people', where: { organization: 'o' } }],
    ['an unknown column', { do: 'delete', table: 'people', where: { 'id" = "id': 'x' } }],
    [
      'an unknown column to be older',
      { do: 'touch', table: 'people', where: { id: 'x' }, set: { name: 'x' }, olderThan: { column: '1', value: 1 } },
    ],
    ['an unknown table', { do: 'delete', table: 'sqlite_master', where: { name: 'x' } }],
    ['a table by the name of something inherited', { do: 'delete', table: 'constructor', where: { name: 'x' } }],
    ['an unknown step', { do: 'truncate', table: 'people' }],
    ['a change of everybody', { do: 'delete', table: 'people', where: {} }],
    [
      'a change of standing around its steps',
      { do: 'touch', table: 'standing', where: { id: 'x' }, set: { alive: 1 } },
    ],
    ['a change of facts', { do: 'delete', table: 'facts', where: { seq: 1 } }],
    ['a change of the head', { do: 'touch', table: 'heads', where: {}, set: { seq: 0 } }],
    ['a change of the log', { do: 'delete', table: 'audit_records', where: { id: 'x' } }],
    ['a number that is none', { do: 'touch', table: 'people', where: { id: 'x' }, set: { created_at_ms: Number.NaN } }],
    ['a fraction', { do: 'touch', table: 'people', where: { id: 'x' }, set: { created_at_ms: 1.5 } }],
    ['an object as a value', { do: 'touch', table: 'people', where: { id: 'x' }, set: { name: { a: 1 } } }],
    ['a function as a value', { do: 'touch', table: 'people', where: { id: 'x' }, set: { name: () => 'x' } }],
    ['text where a number belongs', { do: 'put', table: 'people', row: { ...person('x'), created_at_ms: 'soon' } }],
    ['null where it cannot be', { do: 'put', table: 'people', row: { ...person('x'), name: null } }],
  ]

  describe('a mistake in a command', () => {
    it.each(wrong)('such as %s throws, changes nothing and disturbs nobody', async (_name, step) => {
      const organization = newOrganization()
      const before = store().commit(command(organization, insertPerson('psn_1')))
      const mistaken = store().commit(command(organization, insertPerson('psn_2'), step as Step))
      const after = store().commit(command(organization, insertPerson('psn_3')))

      await expect(mistaken).rejects.toMatchObject({ code: 'internal_error' })
      expect(await Promise.all([before, after])).toMatchObject([{ done: true }, { done: true }])
      const people = await store()
        .of(organization)
        .list('people', { order: { by: 'id' }, limit: 10 })
      expect(people.map(({ id }) => id)).toStrictEqual(['psn_1', 'psn_3'])
      expect(await store().of(organization).count('audit_records', {})).toBe(2)
    })

    it('such as an audit id used twice', async () => {
      const organization = newOrganization()
      const audit = auditRecord()
      await store().commit({ organization, steps: [], audit })
      const again = store().commit({ organization, steps: [insertPerson('psn_1')], audit })
      await expect(again).rejects.toMatchObject({ code: 'internal_error' })
      expect(await store().of(organization).count('people', {})).toBe(0)
    })
  })

  describe('a mistake in a question', () => {
    const reads = () => store().of(newOrganization())
    it.each([
      ['an undefined condition', () => reads().get('people', { id: undefined } as never)],
      ['an unknown column', () => reads().get('people', { nope: 1 } as never)],
      ['an unknown table', () => reads().count('sqlite_master' as never, {})],
      ['an unknown order', () => reads().list('people', { order: { by: 'id; --' as never }, limit: 1 })],
      [
        'an unknown column to look in',
        () => reads().list('people', { in: { column: 'x' as never, values: [1] }, order: { by: 'id' }, limit: 1 }),
      ],
      ['no limit', () => reads().list('people', { order: { by: 'id' }, limit: 0 })],
      ['a limit that is none', () => reads().list('people', { order: { by: 'id' }, limit: Number.NaN })],
    ])('such as %s throws', async (_name, ask) => {
      await expect(ask()).rejects.toThrow()
    })
  })
}
