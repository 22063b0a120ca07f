import { describe, expect, it } from 'vitest'
import type { Setting } from '../contract.ts'
import { alive, command, end, lease, newOrganization, replayId } from './examples.ts'

export function sweeping({ store }: Setting): void {
  describe('sweep', () => {
    it('deletes what has expired and nothing else, in every organization', async () => {
      const week = 7 * 24 * 60 * 60
      const now = 1_000_000
      const organizations = [newOrganization(), newOrganization()]
      for (const organization of organizations) {
        await store().commit(
          command(
            organization,
            replayId('gone', now - 1),
            replayId('now', now),
            replayId('later', now + 1),
            end('gone', { final: true, forgetAfter: now - 1 }),
            end('later', { final: true, forgetAfter: now + 1 }),
            { do: 'put', table: 'leases', row: lease('gone', { seen_at_ms: (now - week) * 1_000 - 1 }) },
            { do: 'put', table: 'leases', row: lease('later', { seen_at_ms: (now - week) * 1_000 }) },
          ),
        )
      }
      await store().sweep(now)
      for (const organization of organizations) {
        const reads = store().of(organization)
        const ids = (await reads.list('replay_ids', { order: { by: 'id' }, limit: 9 })).map(({ id }) => id)
        expect(ids).toStrictEqual(['later', 'now'])
        expect(await reads.facts(0, 9)).toMatchObject([{ id: 'later', seq: 2 }])
        const points = (await reads.list('leases', { order: { by: 'point' }, limit: 9 })).map(({ point }) => point)
        expect(points).toStrictEqual(['later'])
        // What has ended has ended, also when nobody needs to hear of it any more.
        expect(await store().commit(command(organization, alive(['gone', 0])))).toMatchObject({ done: false })
        expect(await reads.head()).toMatchObject({ seq: 2 })
      }
    })

    it('goes on beside commands, however much there is', async () => {
      const organization = newOrganization()
      const many = Array.from({ length: 25 }, (_, batch) =>
        command(organization, ...Array.from({ length: 100 }, (_, index) => replayId(`${batch}-${index}`, 10))),
      )
      await Promise.all(many.map((each) => store().commit(each)))
      const [, outcome] = await Promise.all([store().sweep(11), store().commit(command(organization, replayId('new')))])
      expect(outcome.done).toBe(true)
      expect(await store().of(organization).count('replay_ids', {})).toBe(1)
    })
  })

  describe('ping', () => {
    it('answers while the store can commit', async () => {
      await expect(store().ping()).resolves.toBeUndefined()
    })
  })
}
