import { describe, expect, it } from 'vitest'
import type { Place } from '../contract.ts'
import { command, end, insertPerson, newOrganization } from './examples.ts'

export function closing(newPlace: () => Promise<Place>): void {
  describe('closing', () => {
    it('ends what was asked before, refuses what is asked later, and fails at nothing', async () => {
      const place = await newPlace()
      const organization = newOrganization()
      for (let round = 0; round < 5; round++) {
        const store = await place.open()
        const names = Array.from({ length: 60 }, (_, index) => `psn_${round}_${index}`)
        const steps = (id: string, index: number) =>
          index % 7 === 0 ? [insertPerson(id), end(id)] : [insertPerson(id)]
        const asked = names.map((id, index) => store.commit(command(organization, ...steps(id, index))))
        const read = store.of(organization).head()
        const closed = store.close()
        const late = await Promise.allSettled([
          store.commit(command(organization, insertPerson(`psn_late_${round}`))),
          store.commit(command(organization, end(`agt_late_${round}`))),
          store.ping(),
          store.sweep(1),
          closed.then(() => store.of(organization).head()),
          closed.then(() => store.global.organizationsWithUnplaced()),
        ])
        for (const one of late)
          expect(one).toMatchObject({ status: 'rejected', reason: { code: 'storage_unavailable' } })
        await closed
        await read
        expect((await Promise.all(asked)).every(({ done }) => done)).toBe(true)
      }
      const store = await place.open()
      expect(await store.of(organization).count('people', {})).toBe(300)
      expect((await store.of(organization).head()).seq).toBe(45)
      await store.close()
    })
  })
}
