import { beforeAll, describe, expect, it } from 'vitest'
import type { Setting } from '../contract.ts'
import {
  command,
  credential,
  end,
  insertPerson,
  newName,
  newOrganization,
  organizationRow,
  person,
} from './examples.ts'

export function reads({ store }: Setting): void {
  describe('a read', () => {
    const organization = newOrganization()
    const reads = () => store().of(organization)
    // Bytes decide, not letters: 'Z' is below 'a', and 'é' above both.
    const ids = ['B', 'Z', 'a', 'a-', 'b', 'c', 'é', 'ü', '中']

    beforeAll(async () => {
      await store().commit(
        command(organization, ...ids.toReversed().map((id) => insertPerson(id, id < 'b' ? 'low' : 'high'))),
      )
      for (const [index, id] of ids.entries()) {
        const row = credential(id, { last_used_at_ms: index % 3 === 0 ? null : index, holder: `agt_${index % 2}` })
        await store().commit(command(organization, { do: 'insert', table: 'credentials', row, otherwise: 'conflict' }))
      }
    })

    it('gets the one row that matches', async () => {
      expect(await reads().get('people', { id: 'a' })).toStrictEqual(person('a', 'low'))
      expect(await reads().get('people', { id: 'nobody' })).toBeUndefined()
      expect(await reads().get('credentials', { last_used_at_ms: null, id: 'B' })).toStrictEqual(
        credential('B', { holder: 'agt_0' }),
      )
    })

    it('says it is an error when more than one row is the one row', async () => {
      await expect(reads().get('people', { name: 'low' })).rejects.toThrow()
    })

    it('lists in order of bytes, both ways, page by page', async () => {
      for (const descending of [false, true]) {
        const expected = descending ? ids.toReversed() : ids
        const seen: string[] = []
        for (let after: string | undefined; ; ) {
          const page = await reads().list('people', {
            order: { by: 'id', descending },
            ...(after !== undefined && { after }),
            limit: 2,
          })
          seen.push(...page.map(({ id }) => id))
          after = page.at(-1)?.id
          if (page.length < 2) break
        }
        expect(seen).toStrictEqual(expected)
      }
    })

    it('lists what matches, of some values, by numbers, without nulls', async () => {
      const by = async (more: object) =>
        (await reads().list('credentials', { order: { by: 'last_used_at_ms' }, limit: 20, ...more })).map(
          (row) => row.last_used_at_ms,
        )
      expect(await by({})).toStrictEqual([1, 2, 4, 5, 7, 8])
      expect(await by({ after: 4 })).toStrictEqual([5, 7, 8])
      expect(await by({ order: { by: 'last_used_at_ms', descending: true }, after: 4 })).toStrictEqual([2, 1])
      expect(await by({ where: { holder: 'agt_0' } })).toStrictEqual([2, 4, 8])
      expect(await by({ in: { column: 'id', values: ['Z', 'a', 'nobody'] } })).toStrictEqual([1, 2])
      expect(await by({ in: { column: 'last_used_at_ms', values: [1, 8, 9, 10, 11] }, after: 1 })).toStrictEqual([8])
      expect(await by({ in: { column: 'id', values: [] } })).toStrictEqual([])
    })

    it('counts', async () => {
      expect(await reads().count('people', {})).toBe(9)
      expect(await reads().count('people', { name: 'low' })).toBe(4)
      expect(await reads().count('credentials', { last_used_at_ms: null })).toBe(3)
    })

    it('says where things stand, of those that have a row', async () => {
      const own = newOrganization()
      await store().commit(command(own, ...Array.from({ length: 100 }, (_, index) => end(`agt_${index}`))))
      const asked = [
        'agt_7',
        'agt_8',
        'agt_7',
        'agt_none',
        ...Array.from({ length: 90 }, (_, index) => `agt_${index + 200}`),
      ]
      const rows = await store().of(own).standing(asked)
      expect(rows.map(({ id }) => id).toSorted()).toStrictEqual(['agt_7', 'agt_8'])
      expect(await store().of(own).standing([])).toStrictEqual([])
    })

    it('gives facts after a number, and the head', async () => {
      const own = newOrganization()
      expect(await store().of(own).head()).toStrictEqual({ seq: 0, incarnation: 1 })
      await store().commit(command(own, end('a'), end('b'), end('c')))
      expect((await store().of(own).facts(0, 2)).map(({ seq }) => seq)).toStrictEqual([1, 2])
      expect((await store().of(own).facts(1, 10)).map(({ seq }) => seq)).toStrictEqual([2, 3])
      expect(await store().of(own).facts(3, 10)).toStrictEqual([])
      expect(await store().of(own).head()).toStrictEqual({ seq: 3, incarnation: 1 })
    })

    it('keeps integers exact', async () => {
      const own = newOrganization()
      const row = { ...person('psn_1'), created_at_ms: Number.MAX_SAFE_INTEGER }
      await store().commit(command(own, { do: 'put', table: 'people', row }))
      expect(await store().of(own).get('people', { created_at_ms: Number.MAX_SAFE_INTEGER })).toStrictEqual(row)
    })
  })

  describe('organizations', () => {
    it('are found by handle and id, and listed page by page', async () => {
      const made = Array.from({ length: 5 }, () => ({
        id: newOrganization(),
        row: organizationRow(newName('h').toLowerCase()),
      }))
      for (const { id, row } of made) {
        await store().commit(command(id, { do: 'insert', table: 'organizations', row, otherwise: 'handle_taken' }))
        expect(await store().global.organizationByHandle(row.handle)).toStrictEqual({ organization: id, ...row })
        expect(await store().global.organizationById(id)).toStrictEqual({ organization: id, ...row })
      }
      expect(await store().global.organizationByHandle('nobody')).toBeUndefined()
      expect(await store().global.organizationById('org_none')).toBeUndefined()
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await store().global.organizations({ ...(after && { after }), limit: 2 })
        seen.push(...page.map(({ organization }) => organization))
        after = page.at(-1)?.organization
        if (page.length < 2) break
      }
      expect(seen).toStrictEqual(seen.toSorted())
      expect(seen).toEqual(expect.arrayContaining(made.map(({ id }) => id)))
    })
  })
}
