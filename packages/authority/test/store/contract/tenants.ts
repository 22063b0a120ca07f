import { describe, expect, it } from 'vitest'
import type { Step } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import {
  alive,
  auditRecord,
  command,
  end,
  insertAgent,
  insertPerson,
  lease,
  newOrganization,
  person,
  replayId,
} from './examples.ts'

export function tenants({ store }: Setting): void {
  describe('an organization', () => {
    it('shares nothing with another that uses the same names', async () => {
      const [one, two] = [newOrganization(), newOrganization()]
      const audit = auditRecord({ id: 'aud_same' })
      const steps: Step[] = [
        insertPerson('psn_1'),
        insertAgent('agt_1', 'mailer'),
        replayId('jti_1'),
        { do: 'put', table: 'leases', row: lease('p') },
        end('agt_9'),
      ]
      for (const organization of [one, two]) {
        const outcome = await store().commit({ organization, steps, audit })
        expect(outcome).toMatchObject({ done: true, facts: [{ seq: 1 }] })
      }
      const before = await everything(one)

      const others: Step[] = [
        { do: 'update', table: 'people', where: { id: 'psn_1' }, set: { name: 'changed' }, otherwise: 'not_found' },
        { do: 'touch', table: 'agents', where: { handle: 'mailer' }, set: { purpose: 'changed' } },
        { do: 'put', table: 'leases', row: lease('p', { staleness_ms: 1 }) },
        { do: 'delete', table: 'replay_ids', where: { id: 'jti_1' } },
        { do: 'restore', id: 'agt_9', atMs: 88, otherwise: 'conflict' },
        { do: 'raise_incarnation', from: 1, otherwise: 'conflict' },
        { do: 'place', records: [{ id: 'aud_same', position: 0 }], otherwise: 'conflict' },
        end('agt_1'),
      ]
      expect(await store().commit({ organization: two, steps: others, audit: null })).toMatchObject({ done: true })
      expect(await everything(one)).toStrictEqual(before)
      expect(await store().commit(command(one, alive(['agt_1', 0])))).toMatchObject({ done: true })
    })

    it('is not reached by conditions on what another has', async () => {
      const [one, two] = [newOrganization(), newOrganization()]
      await store().commit(command(one, insertPerson('psn_1')))
      const ask = (step: Step) => store().commit(command(two, step))
      expect(
        await ask({ do: 'require', table: 'people', where: { id: 'psn_1' }, otherwise: 'not_found' }),
      ).toMatchObject({ done: false })
      expect(await ask({ do: 'absent', table: 'people', where: { name: 'Ada' }, otherwise: 'conflict' })).toMatchObject(
        {
          done: true,
        },
      )
      expect(
        await ask({
          do: 'update',
          table: 'people',
          where: { id: 'psn_1' },
          set: { name: 'x' },
          otherwise: 'not_found',
        }),
      ).toMatchObject({ done: false })
      await ask({ do: 'delete', table: 'people', where: { id: 'psn_1' } })
      expect(await store().of(one).get('people', { id: 'psn_1' })).toStrictEqual(person('psn_1'))
      expect(await store().of(two).get('people', { id: 'psn_1' })).toBeUndefined()
      expect(
        await store()
          .of(two)
          .list('people', { order: { by: 'id' }, limit: 9 }),
      ).toStrictEqual([])
      expect(await store().of(two).count('people', {})).toBe(0)
    })
  })

  async function everything(organization: string) {
    const reads = store().of(organization)
    return {
      people: await reads.list('people', { order: { by: 'id' }, limit: 9 }),
      agents: await reads.list('agents', { order: { by: 'id' }, limit: 9 }),
      replay: await reads.list('replay_ids', { order: { by: 'id' }, limit: 9 }),
      leases: await reads.list('leases', { order: { by: 'point' }, limit: 9 }),
      standing: await reads.list('standing', { order: { by: 'id' }, limit: 9 }),
      facts: await reads.facts(0, 9),
      head: await reads.head(),
      unplaced: await reads.unplaced(9),
      audit: await reads.get('audit_records', { id: 'aud_same' }),
    }
  }
}
