import { describe, expect, it } from 'vitest'
import type { Step } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import { command, insertPerson, newName, newOrganization, organizationRow, person } from './examples.ts'

/** Texts that not every engine holds as they are. A stranger may send them; a mistake they are not. */
export function texts({ store }: Setting): void {
  describe.each([
    ['with NUL', 'psn_\0'],
    ['that is not well formed', 'psn_\ud800'],
  ])('a text %s', (_what, strange) => {
    it('equals nothing that is read', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, insertPerson('psn_'), insertPerson('psn_\ufffd')))
      const reads = store().of(organization)
      expect(await reads.get('people', { id: strange })).toBeUndefined()
      expect(await reads.count('people', { id: strange })).toBe(0)
      const order = { by: 'id' } as const
      expect(await reads.list('people', { where: { id: strange }, order, limit: 9 })).toEqual([])
      expect(await reads.list('people', { in: { column: 'id', values: [strange] }, order, limit: 9 })).toEqual([])
      const among = { column: 'id' as const, values: [strange, 'psn_'] }
      expect(await reads.list('people', { in: among, order, limit: 9 })).toEqual([person('psn_')])
      expect(await store().global.organizationByHandle(strange)).toBeUndefined()
      expect(await store().global.organizationById(strange)).toBeUndefined()
    })

    it('hides nothing of what is asked for beside it', async () => {
      const organization = newOrganization()
      const ended = { do: 'end', id: 'tok_1', kind: 'token', final: true, cause: 'x', atMs: 1, forgetAfter: 9 } as const
      await store().commit(command(organization, ended))
      expect(await store().of(organization).standing([strange, 'tok_1'])).toMatchObject([{ id: 'tok_1', alive: 0 }])
    })

    it.each<[string, Step]>([
      ['insert', insertPerson(strange)],
      ['require', { do: 'require', table: 'people', where: { id: strange }, otherwise: 'conflict' }],
      ['touch', { do: 'touch', table: 'people', where: { id: 'psn_1' }, set: { name: strange } }],
      ['alive', { do: 'alive', lineage: [[strange, 0]], otherwise: 'revoked' }],
      ['end', { do: 'end', id: strange, kind: 'token', final: true, cause: 'x', atMs: 1, forgetAfter: 9 }],
    ])('refuses a command that has it in %s, whole', async (_step, step) => {
      const organization = newOrganization()
      const outcome = await store().commit(command(organization, insertPerson('psn_1'), step))
      expect(outcome).toEqual({ done: false, refused: 'validation_failed', step: 1 })
      expect(await store().of(organization).count('people', {})).toBe(0)
    })

    it('disturbs nobody', async () => {
      const row = organizationRow(newName('x'))
      const step: Step = { do: 'insert', table: 'organizations', row, otherwise: 'conflict' }
      const outcomes = await Promise.all([
        store().commit(command(newOrganization(), insertPerson(strange))),
        store().commit(command(newOrganization(), step)),
      ])
      expect(outcomes.map(({ done }) => done)).toEqual([false, true])
    })
  })
}
