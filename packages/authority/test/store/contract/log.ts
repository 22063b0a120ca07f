import { describe, expect, it } from 'vitest'
import type { Setting } from '../contract.ts'
import { auditRecord, bytes, newOrganization } from './examples.ts'

export function log({ store }: Setting): void {
  async function recorded(organization: string, count: number): Promise<string[]> {
    const ids: string[] = []
    for (let index = 0; index < count; index++) {
      const audit = auditRecord({ leafHash: bytes(`hash ${index}`) })
      await store().commit({ organization, steps: [], audit })
      ids.push(audit.id)
    }
    return ids
  }
  const place = (organization: string, records: Array<{ id: string; position: number }>) =>
    store().commit({ organization, steps: [{ do: 'place', records, otherwise: 'conflict' }], audit: null })

  describe('the log', () => {
    it('lists records without a place, oldest first, until they have one', async () => {
      const organization = newOrganization()
      const ids = await recorded(organization, 5)
      const reads = store().of(organization)
      expect(await reads.unplaced(10)).toStrictEqual(
        ids.map((id, index) => ({ id, leaf_hash: bytes(`hash ${index}`) })),
      )
      expect(await reads.unplaced(2)).toHaveLength(2)
      const placed = ids.slice(0, 3).map((id, position) => ({ id, position }))
      expect(await place(organization, placed)).toStrictEqual({ done: true, facts: [] })
      expect((await reads.unplaced(10)).map(({ id }) => id)).toStrictEqual(ids.slice(3))
      const list = await reads.list('audit_records', { order: { by: 'position' }, limit: 10 })
      expect(list.map(({ id, position }) => ({ id, position }))).toStrictEqual(placed)
    })

    it('gives all places or none', async () => {
      const organization = newOrganization()
      const [a, b, c] = (await recorded(organization, 3)) as [string, string, string]
      await place(organization, [{ id: a, position: 0 }])
      const refused = { done: false, refused: 'conflict', step: 0 }
      expect(
        await place(organization, [
          { id: b, position: 1 },
          { id: 'aud_0', position: 2 },
        ]),
      ).toStrictEqual(refused)
      expect(
        await place(organization, [
          { id: b, position: 1 },
          { id: a, position: 2 },
        ]),
      ).toStrictEqual(refused)
      expect(
        await place(organization, [
          { id: b, position: 1 },
          { id: c, position: 0 },
        ]),
      ).toStrictEqual(refused)
      expect(
        await place(organization, [
          { id: b, position: 1 },
          { id: c, position: 1 },
        ]),
      ).toStrictEqual(refused)
      expect(
        await place(organization, [
          { id: b, position: 1 },
          { id: b, position: 2 },
        ]),
      ).toStrictEqual(refused)
      expect(await store().of(organization).count('audit_records', { position: null })).toBe(2)
    })

    it('gives many places at once', async () => {
      const organization = newOrganization()
      const audits = Array.from({ length: 150 }, () => auditRecord())
      await Promise.all(audits.map((audit) => store().commit({ organization, steps: [], audit })))
      expect(
        await place(
          organization,
          audits.map(({ id }, position) => ({ id, position })),
        ),
      ).toMatchObject({ done: true })
      expect(await store().of(organization).unplaced(10)).toStrictEqual([])
      expect(await store().of(organization).get('audit_records', { position: 149 })).toMatchObject({
        id: audits[149]?.id,
      })
    })

    it('gives each place once, to one of many that race', async () => {
      const organization = newOrganization()
      const ids = await recorded(organization, 4)
      const records = ids.map((id, position) => ({ id, position }))
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => place(organization, records)))
      expect(outcomes.filter(({ done }) => done)).toHaveLength(1)
    })

    it('names the organizations that wait', async () => {
      const organizations = [newOrganization(), newOrganization(), newOrganization()] as const
      const ids = await Promise.all(organizations.map((organization) => recorded(organization, 3)))
      expect(await store().global.organizationsWithUnplaced()).toEqual(expect.arrayContaining([...organizations]))
      await place(
        organizations[1],
        (ids[1] ?? []).map((id, position) => ({ id, position })),
      )
      const waiting = await store().global.organizationsWithUnplaced()
      expect(waiting).toEqual(expect.arrayContaining([organizations[0], organizations[2]]))
      expect(waiting).not.toContain(organizations[1])
      expect(new Set(waiting).size).toBe(waiting.length)
    })
  })
}
