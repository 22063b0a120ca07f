import { describe, expect, it } from 'vitest'
import type { Step } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import {
  alive,
  auditRecord,
  bytes,
  command,
  end,
  insertPerson,
  newName,
  newOrganization,
  person,
  replayId,
} from './examples.ts'

export function commands({ store }: Setting): void {
  describe('a command', () => {
    it('writes its rows and its audit record together', async () => {
      const organization = newOrganization()
      const audit = auditRecord({
        leaf: bytes('the leaf'),
        leafHash: bytes('its hash'),
        values: [
          { name: 'reason', salt: bytes('salt'), value: '"because"' },
          { name: 'who', salt: bytes('pepper'), value: '"Ada"' },
        ],
      })
      const outcome = await store().commit({ organization, steps: [insertPerson('psn_1')], audit })

      expect(outcome).toStrictEqual({ done: true, facts: [] })
      const reads = store().of(organization)
      expect(await reads.get('people', { id: 'psn_1' })).toStrictEqual(person('psn_1'))
      expect(await reads.get('audit_records', { id: audit.id })).toStrictEqual({
        id: audit.id,
        leaf: bytes('the leaf'),
        leaf_hash: bytes('its hash'),
        at_ms: audit.atMs,
        position: null,
      })
      expect(await reads.list('audit_values', { order: { by: 'name' }, limit: 10 })).toStrictEqual([
        { record: audit.id, name: 'reason', salt: bytes('salt'), value: '"because"' },
        { record: audit.id, name: 'who', salt: bytes('pepper'), value: '"Ada"' },
      ])
    })

    it('may be bookkeeping without a record', async () => {
      const organization = newOrganization()
      await store().commit({ organization, steps: [insertPerson('psn_1')], audit: null })
      expect(await store().of(organization).count('people', {})).toBe(1)
      expect(await store().of(organization).count('audit_records', {})).toBe(0)
    })

    it('may be a record alone', async () => {
      const organization = newOrganization()
      await store().commit(command(organization))
      expect(await store().of(organization).count('audit_records', {})).toBe(1)
    })

    const writes: Step[] = [
      insertPerson('psn_1'),
      replayId('jti_1'),
      { do: 'put', table: 'people', row: person('psn_2', 'Grace') },
      end('agt_1'),
      { do: 'touch', table: 'people', where: { id: 'psn_0' }, set: { name: 'touched' } },
      { do: 'delete', table: 'people', where: { id: 'psn_3' } },
    ]
    const failures: Step[] = [
      { do: 'require', table: 'people', where: { id: 'nobody' }, otherwise: 'not_found' },
      { do: 'absent', table: 'people', where: { id: 'psn_0' }, otherwise: 'conflict' },
      { do: 'update', table: 'people', where: { id: 'nobody' }, set: { name: 'x' }, otherwise: 'not_found' },
      insertPerson('psn_0'),
      alive(['agt_0', 0]),
      { do: 'restore', id: 'agt_9', atMs: 88, otherwise: 'not_found' },
      { do: 'raise_incarnation', from: 7, otherwise: 'conflict' },
      { do: 'place', records: [{ id: 'aud_9', position: 0 }], otherwise: 'conflict' },
    ]
    it.each(failures.map((failure) => [failure.do, failure] as const))(
      'leaves nothing behind when its %s fails, wherever it stands',
      async (_name, failure) => {
        const organization = newOrganization()
        await store().commit(command(organization, insertPerson('psn_0'), insertPerson('psn_3'), end('agt_0')))
        const before = await everything(organization)
        for (let at = 0; at <= writes.length; at++) {
          const steps = [...writes.slice(0, at), failure, ...writes.slice(at)]
          const outcome = await store().commit({ organization, steps, audit: auditRecord() })
          const refused = 'otherwise' in failure ? failure.otherwise : undefined
          expect(outcome).toStrictEqual({ done: false, refused, step: at })
          expect(await everything(organization)).toStrictEqual(before)
        }
      },
    )

    it('sees in each step what the steps before it did', async () => {
      const organization = newOrganization()
      const outcome = await store().commit(
        command(
          organization,
          insertPerson('psn_1'),
          { do: 'require', table: 'people', where: { id: 'psn_1', name: 'Ada' }, otherwise: 'not_found' },
          { do: 'update', table: 'people', where: { name: 'Ada' }, set: { name: 'Grace' }, otherwise: 'not_found' },
          { do: 'absent', table: 'people', where: { name: 'Ada' }, otherwise: 'conflict' },
          { do: 'delete', table: 'people', where: { id: 'psn_1' } },
          insertPerson('psn_1', 'Joan'),
          end('agt_1'),
          { do: 'restore', id: 'agt_1', atMs: 88, otherwise: 'conflict' },
          alive(['agt_1', 1]),
        ),
      )
      expect(outcome.done).toBe(true)
      expect(await store().of(organization).get('people', { id: 'psn_1' })).toMatchObject({ name: 'Joan' })
    })

    it('does not see or harm the commands it shares a commit with', async () => {
      const organization = newOrganization()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 300 }, (_, index) => {
          const refusing: Step = { do: 'require', table: 'people', where: { id: 'nobody' }, otherwise: 'not_found' }
          const mistaken = { do: 'delete', table: 'people', where: {} } as const
          const more = [[], [refusing], [mistaken]][index % 3] as Step[]
          return store().commit(command(organization, insertPerson(`psn_${index}`), end(`agt_${index}`), ...more))
        }),
      )
      for (const [index, outcome] of outcomes.entries()) {
        if (index % 3 === 0) expect(outcome).toMatchObject({ status: 'fulfilled', value: { done: true } })
        if (index % 3 === 1) expect(outcome).toMatchObject({ value: { done: false, refused: 'not_found', step: 2 } })
        if (index % 3 === 2) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'internal_error' } })
      }
      const people = await store()
        .of(organization)
        .list('people', { order: { by: 'id' }, limit: 1_000 })
      const expected = Array.from({ length: 100 }, (_, index) => `psn_${index * 3}`).sort()
      expect(people.map(({ id }) => id)).toStrictEqual(expected)
      expect((await store().of(organization).facts(0, 1_000)).map(({ seq }) => seq)).toStrictEqual(upTo(100))
      expect(await store().of(organization).count('audit_records', {})).toBe(100)
    })

    it('tells listeners in this process which facts it appended', async () => {
      const organization = newOrganization()
      const heard: unknown[] = []
      const stop = store().onCommit((done) => done.organization === organization && heard.push(done.facts))
      await store().commit(command(organization, end('agt_1'), end('agt_2')))
      await store().commit(command(organization, end('agt_1')))
      await store().commit(command(organization, insertPerson('psn_1')))
      await store()
        .commit(command(organization, insertPerson('psn_1')))
        .catch(() => {})
      stop()
      await store().commit(command(organization, end('agt_3')))
      expect(heard).toMatchObject([
        [
          { id: 'agt_1', seq: 1 },
          { id: 'agt_2', seq: 2 },
        ],
        [],
        [],
      ])
    })

    it('goes on when a listener throws', async () => {
      const organization = newOrganization()
      const stop = store().onCommit(() => {
        throw new Error('a listener of a test')
      })
      expect(await store().commit(command(organization, insertPerson(newName())))).toMatchObject({ done: true })
      stop()
    })
  })

  async function everything(organization: string) {
    const reads = store().of(organization)
    const order = { by: 'id', descending: false } as const
    return {
      people: await reads.list('people', { order, limit: 1_000 }),
      replay: await reads.list('replay_ids', { order, limit: 1_000 }),
      standing: await reads.list('standing', { order, limit: 1_000 }),
      facts: await reads.facts(0, 1_000),
      head: await reads.head(),
      records: await reads.count('audit_records', {}),
    }
  }
}

export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}
