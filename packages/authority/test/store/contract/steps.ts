import { describe, expect, it } from 'vitest'
import type { Setting } from '../contract.ts'
import {
  agent,
  command,
  credential,
  insertAgent,
  insertPerson,
  lease,
  newName,
  newOrganization,
  organizationRow,
  person,
  replayId,
} from './examples.ts'

export function steps({ store }: Setting): void {
  describe('insert', () => {
    it('refuses a taken primary key', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, replayId('jti_1')))
      const outcome = await store().commit(command(organization, replayId('jti_1', 9)))
      expect(outcome).toStrictEqual({ done: false, refused: 'assertion_replayed', step: 0 })
      expect(await store().of(organization).get('replay_ids', { id: 'jti_1' })).toMatchObject({
        expires_at: 2_000_000_000,
      })
    })

    it.each([
      ['handle', agent('agt_2', 'mailer')],
      ['SPIFFE id', { ...agent('agt_2', 'other'), spiffe_id: 'spiffe://acme.example/agent/mailer' }],
    ])('refuses a taken %s', async (_name, row) => {
      const organization = newOrganization()
      await store().commit(command(organization, insertAgent('agt_1', 'mailer')))
      const outcome = await store().commit(
        command(organization, { do: 'insert', table: 'agents', row, otherwise: 'handle_taken' }),
      )
      expect(outcome).toStrictEqual({ done: false, refused: 'handle_taken', step: 0 })
    })

    it('refuses a key id that the holder has, and takes it for another holder', async () => {
      const organization = newOrganization()
      const insert = (id: string, holder: string, kid: string | null) =>
        store().commit(
          command(organization, {
            do: 'insert',
            table: 'credentials',
            row: credential(id, { holder, kid }),
            otherwise: 'conflict',
          }),
        )
      expect(await insert('crd_1', 'agt_1', 'k')).toMatchObject({ done: true })
      expect(await insert('crd_2', 'agt_1', 'k')).toMatchObject({ done: false, refused: 'conflict' })
      expect(await insert('crd_3', 'agt_2', 'k')).toMatchObject({ done: true })
      expect(await insert('crd_4', 'agt_1', null)).toMatchObject({ done: true })
      expect(await insert('crd_5', 'agt_1', null)).toMatchObject({ done: true })
    })

    it('refuses the handle, issuer or trust domain of any organization', async () => {
      const handle = newName('h').toLowerCase()
      const insert = (row: ReturnType<typeof organizationRow>) =>
        store().commit(
          command(newOrganization(), { do: 'insert', table: 'organizations', row, otherwise: 'handle_taken' }),
        )
      const row = organizationRow(handle)
      expect(await insert(row)).toMatchObject({ done: true })
      for (const column of ['handle', 'issuer', 'trust_domain'] as const) {
        const other = { ...organizationRow(newName('h').toLowerCase()), [column]: row[column] }
        expect(await insert(other)).toMatchObject({ done: false, refused: 'handle_taken' })
      }
    })

    it('refuses the second of two equal ones in one command', async () => {
      const organization = newOrganization()
      const outcome = await store().commit(command(organization, replayId('jti_1'), replayId('jti_1')))
      expect(outcome).toStrictEqual({ done: false, refused: 'assertion_replayed', step: 1 })
      expect(await store().of(organization).count('replay_ids', {})).toBe(0)
    })

    it('lets one of many racing commands through', async () => {
      const organization = newOrganization()
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, () => store().commit(command(organization, replayId('jti_1'), replayId(newName())))),
      )
      expect(outcomes.filter(({ done }) => done)).toHaveLength(1)
      expect(await store().of(organization).count('replay_ids', {})).toBe(2)
      expect(await store().of(organization).count('audit_records', {})).toBe(1)
    })
  })

  describe('insert_if_absent', () => {
    it('inserts, and afterwards keeps what is there', async () => {
      const organization = newOrganization()
      for (const name of ['first', 'second']) {
        const row = { name: 'nonce', sealed: name, created_at_ms: 1 }
        const outcome = await store().commit(command(organization, { do: 'insert_if_absent', table: 'secrets', row }))
        expect(outcome).toStrictEqual({ done: true, facts: [] })
      }
      expect(await store().of(organization).get('secrets', { name: 'nonce' })).toMatchObject({ sealed: 'first' })
    })

    it('gives racing commands one winner and refuses none', async () => {
      const organization = newOrganization()
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, index) => {
          const row = { name: 'nonce', sealed: String(index), created_at_ms: 1 }
          return store().commit(command(organization, { do: 'insert_if_absent', table: 'secrets', row }))
        }),
      )
      expect(outcomes.every(({ done }) => done)).toBe(true)
      expect(await store().of(organization).count('secrets', {})).toBe(1)
    })
  })

  describe('put', () => {
    it('inserts, and afterwards overwrites every column', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, { do: 'put', table: 'leases', row: lease('p') }))
      const row = lease('p', { staleness_ms: 5, seen_at_ms: 6, acknowledged_seq: 7, acknowledged_at_ms: 8 })
      await store().commit(command(organization, { do: 'put', table: 'leases', row }))
      expect(
        await store()
          .of(organization)
          .list('leases', { order: { by: 'point' }, limit: 9 }),
      ).toStrictEqual([row])
    })

    it('is a mistake where it would take another unique key', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, insertAgent('agt_1', 'mailer'), insertPerson('psn_1')))
      const put = { do: 'put', table: 'agents', row: agent('agt_2', 'mailer') } as const
      await expect(store().commit(command(organization, insertPerson('psn_2'), put))).rejects.toMatchObject({
        code: 'internal_error',
      })
      expect(await store().of(organization).count('people', {})).toBe(1)
    })
  })

  describe('update', () => {
    it('changes the one row that matches', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, insertPerson('psn_1'), insertPerson('psn_2')))
      const where = { id: 'psn_1', name: 'Ada' }
      const set = { name: 'Grace', created_at_ms: 2 }
      const update = { do: 'update', table: 'people', where, set, otherwise: 'conflict' } as const
      expect(await store().commit(command(organization, update))).toStrictEqual({ done: true, facts: [] })
      expect(await store().commit(command(organization, update))).toMatchObject({ done: false, refused: 'conflict' })
      expect(
        await store()
          .of(organization)
          .list('people', { order: { by: 'id' }, limit: 9 }),
      ).toStrictEqual([{ ...person('psn_1', 'Grace'), created_at_ms: 2 }, person('psn_2')])
    })

    it('refuses when several match, and changes none of them', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, insertPerson('psn_1'), insertPerson('psn_2')))
      const update = { do: 'update', table: 'people', where: { name: 'Ada' }, set: { name: 'x' } } as const
      const outcome = await store().commit(command(organization, { ...update, otherwise: 'conflict' }))
      expect(outcome).toStrictEqual({ done: false, refused: 'conflict', step: 0 })
      expect(await store().of(organization).count('people', { name: 'Ada' })).toBe(2)
    })

    it('refuses when it would take a unique key that is taken', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, insertAgent('agt_1', 'one'), insertAgent('agt_2', 'two')))
      const outcome = await store().commit(
        command(
          organization,
          insertPerson('psn_1'),
          { do: 'update', table: 'agents', where: { id: 'agt_2' }, set: { handle: 'one' }, otherwise: 'handle_taken' },
          insertPerson('psn_2'),
        ),
      )
      expect(outcome).toStrictEqual({ done: false, refused: 'handle_taken', step: 1 })
      expect(await store().of(organization).count('people', {})).toBe(0)
    })

    it('reaches the one row of an organization without a condition', async () => {
      const organization = newOrganization()
      const row = organizationRow(newName('h').toLowerCase())
      await store().commit(command(organization, { do: 'insert', table: 'organizations', row, otherwise: 'conflict' }))
      const set = { display_name: 'renamed' }
      await store().commit(
        command(organization, { do: 'update', table: 'organizations', where: {}, set, otherwise: 'not_found' }),
      )
      expect(await store().global.organizationById(organization)).toStrictEqual({ organization, ...row, ...set })
    })

    it('lets one of many racing changes from the same state through', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, insertAgent('agt_1', 'mailer')))
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, () =>
          store().commit(
            command(organization, {
              do: 'update',
              table: 'agents',
              where: { id: 'agt_1', status: 'active' },
              set: { status: 'suspended' },
              otherwise: 'conflict',
            }),
          ),
        ),
      )
      expect(outcomes.filter(({ done }) => done)).toHaveLength(1)
    })
  })

  describe('touch', () => {
    it('updates what matches, if anything does', async () => {
      const organization = newOrganization()
      await store().commit(
        command(organization, insertPerson('psn_1'), insertPerson('psn_2'), insertPerson('psn_3', 'Bo')),
      )
      const touch = { do: 'touch', table: 'people', where: { name: 'Ada' }, set: { created_at_ms: 9 } } as const
      expect(await store().commit(command(organization, touch))).toStrictEqual({ done: true, facts: [] })
      expect(await store().of(organization).count('people', { created_at_ms: 9 })).toBe(2)
      const none = { ...touch, where: { name: 'nobody' } }
      expect(await store().commit(command(organization, none))).toStrictEqual({ done: true, facts: [] })
    })

    it.each([
      [null, 100],
      [99, 100],
      [100, 100],
      [101, 101],
    ])('with olderThan makes %s into %s', async (before, after) => {
      const organization = newOrganization()
      const row = credential('crd_1', { last_used_at_ms: before })
      const touch = {
        do: 'touch',
        table: 'credentials',
        where: { id: 'crd_1' },
        set: { last_used_at_ms: 100 },
        olderThan: { column: 'last_used_at_ms', value: 100 },
      } as const
      await store().commit(command(organization, { do: 'insert', table: 'credentials', row, otherwise: 'conflict' }))
      await store().commit(command(organization, touch))
      expect(await store().of(organization).get('credentials', { id: 'crd_1' })).toMatchObject({
        last_used_at_ms: after,
      })
    })

    it('never takes back a later value in a race', async () => {
      const organization = newOrganization()
      await store().commit(command(organization, { do: 'put', table: 'leases', row: lease('p') }))
      const values = Array.from({ length: 60 }, (_, index) => ((index * 37) % 60) + 1)
      await Promise.all(
        values.map((value) =>
          store().commit(
            command(organization, {
              do: 'touch',
              table: 'leases',
              where: { resource: 'rsc_1', point: 'p' },
              set: { acknowledged_seq: value },
              olderThan: { column: 'acknowledged_seq', value },
            }),
          ),
        ),
      )
      expect(await store().of(organization).get('leases', { point: 'p' })).toMatchObject({ acknowledged_seq: 60 })
    })
  })

  describe('delete', () => {
    it('deletes what matches, if anything does', async () => {
      const organization = newOrganization()
      await store().commit(
        command(organization, insertPerson('psn_1'), insertPerson('psn_2'), insertPerson('psn_3', 'Bo')),
      )
      const remove = { do: 'delete', table: 'people', where: { name: 'Ada' } } as const
      expect(await store().commit(command(organization, remove))).toMatchObject({ done: true })
      expect(await store().commit(command(organization, remove))).toMatchObject({ done: true })
      expect(
        await store()
          .of(organization)
          .list('people', { order: { by: 'id' }, limit: 9 }),
      ).toHaveLength(1)
    })
  })

  describe('require and absent', () => {
    it('are about whether any row matches, null being a value like others', async () => {
      const organization = newOrganization()
      const row = credential('crd_1', { ended_at_ms: null, last_used_at_ms: 5 })
      await store().commit(command(organization, { do: 'insert', table: 'credentials', row, otherwise: 'conflict' }))
      const check = (does: 'require' | 'absent', where: Partial<typeof row>) =>
        store().commit(command(organization, { do: does, table: 'credentials', where, otherwise: 'not_found' }))
      expect(await check('require', { id: 'crd_1', ended_at_ms: null })).toMatchObject({ done: true })
      expect(await check('require', { id: 'crd_1', last_used_at_ms: null })).toMatchObject({ done: false })
      expect(await check('require', {})).toMatchObject({ done: true })
      expect(await check('absent', { id: 'crd_1', last_used_at_ms: null })).toMatchObject({ done: true })
      expect(await check('absent', { last_used_at_ms: 5 })).toMatchObject({
        done: false,
        refused: 'not_found',
        step: 0,
      })
    })

    it('hold until the command is durable: nothing is registered for an agent that has been retired', async () => {
      for (let round = 0; round < 20; round++) {
        const organization = newOrganization()
        await store().commit(command(organization, insertAgent('agt_1', 'mailer')))
        const add = store().commit(
          command(
            organization,
            { do: 'require', table: 'agents', where: { id: 'agt_1', status: 'active' }, otherwise: 'not_found' },
            { do: 'insert', table: 'credentials', row: credential('crd_1'), otherwise: 'conflict' },
          ),
        )
        const retire = store().commit(
          command(organization, {
            do: 'update',
            table: 'agents',
            where: { id: 'agt_1', status: 'active' },
            set: { status: 'retired' },
            otherwise: 'conflict',
          }),
        )
        await retire
        const seen = await store().of(organization).count('credentials', {})
        await add
        expect(await store().of(organization).count('credentials', {})).toBe(seen)
      }
    })
  })
}
