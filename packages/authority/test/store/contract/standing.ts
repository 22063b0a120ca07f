import { describe, expect, it } from 'vitest'
import type { Setting } from '../contract.ts'
import { alive, command, end, insertPerson, newOrganization } from './examples.ts'

export function standing({ store }: Setting): void {
  const commit = (organization: string, ...steps: Parameters<typeof command>[1][]) =>
    store().commit(command(organization, ...steps))
  const lives = async (organization: string, ...lineage: Array<[string, number]>) =>
    (await commit(organization, alive(...lineage))).done

  describe('alive', () => {
    it('counts what was never ended as alive at epoch 0', async () => {
      expect(await lives(newOrganization(), ['agt_1', 0], ['agt_2', 0])).toBe(true)
      expect(await lives(newOrganization())).toBe(true)
    })

    it('refuses when one of many has ended, wherever it stands', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_150'))
      const lineage = Array.from({ length: 200 }, (_, index): [string, number] => [`agt_${index}`, 5])
      expect(await lives(organization, ...lineage)).toBe(false)
      expect(await lives(organization, ...lineage.filter(([id]) => id !== 'agt_150'))).toBe(true)
    })

    it('refuses an epoch below the one in force', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_1'))
      await commit(organization, { do: 'restore', id: 'agt_1', atMs: 88, otherwise: 'conflict' })
      expect(await lives(organization, ['agt_1', 0])).toBe(false)
      expect(await lives(organization, ['agt_1', 1])).toBe(true)
      expect(await lives(organization, ['agt_1', 2])).toBe(true)
      expect(await lives(organization, ['agt_1', 2], ['agt_1', 0])).toBe(false)
    })

    it('holds together with writes: nothing is issued on what has ended', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_1'))
      const outcome = await commit(organization, insertPerson('psn_1'), alive(['agt_1', 0]))
      expect(outcome).toStrictEqual({ done: false, refused: 'revoked', step: 1 })
      expect(await store().of(organization).count('people', {})).toBe(0)
    })

    it('takes any text as an id', async () => {
      const organization = newOrganization()
      const odd = `task:"'\\{},é${'\u{1f600}'}`
      expect(await lives(organization, [odd, 0])).toBe(true)
      await commit(organization, end(odd))
      expect(await lives(organization, [odd, 0])).toBe(false)
    })
  })

  describe('end', () => {
    it('raises the epoch, appends the fact and says both', async () => {
      const organization = newOrganization()
      const step = end('tok_1', { kind: 'token', final: true, cause: 'stolen', atMs: 77, forgetAfter: 3_000_000_000 })
      const fact = { seq: 1, id: 'tok_1', epoch: 1, cause: 'stolen', at_ms: 77, forget_after: 3_000_000_000 }
      expect(await commit(organization, step)).toStrictEqual({ done: true, facts: [{ ...fact, fresh: true }] })
      const reads = store().of(organization)
      expect(await reads.facts(0, 10)).toStrictEqual([fact])
      expect(await reads.head()).toStrictEqual({ seq: 1, incarnation: 1 })
      expect(await reads.standing(['tok_1'])).toStrictEqual([
        { id: 'tok_1', kind: 'token', epoch: 1, alive: 0, final: 1, since_ms: 77 },
      ])
    })

    it('of something that has ended says the fact in force and appends nothing', async () => {
      const organization = newOrganization()
      const first = await commit(organization, end('agt_1', { cause: 'first' }), end('agt_2'))
      const again = await commit(organization, end('agt_2'), end('agt_1', { cause: 'second', atMs: 99 }), end('agt_1'))
      if (!first.done || !again.done) throw new Error('refused')
      const [one, two] = first.facts.map((fact) => ({ ...fact, fresh: false }))
      expect(again.facts).toStrictEqual([two, one, one])
      expect(await store().of(organization).head()).toStrictEqual({ seq: 2, incarnation: 1 })
    })

    it('twice in one command appends one fact', async () => {
      const organization = newOrganization()
      const outcome = await commit(organization, end('agt_1'), end('agt_1'))
      expect(outcome).toMatchObject({
        facts: [
          { seq: 1, fresh: true },
          { seq: 1, fresh: false },
        ],
      })
    })

    it('after a restore raises the epoch again', async () => {
      const organization = newOrganization()
      for (let epoch = 1; epoch <= 4; epoch++) {
        expect(await commit(organization, end('agt_1'))).toMatchObject({ facts: [{ epoch, seq: epoch, fresh: true }] })
        expect(
          await commit(organization, { do: 'restore', id: 'agt_1', atMs: 88, otherwise: 'conflict' }),
        ).toMatchObject({
          done: true,
        })
      }
    })

    it('for good stays for good, also when it follows an end that was not', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_1'))
      expect(await commit(organization, end('agt_1', { final: true }))).toMatchObject({
        facts: [{ seq: 1, fresh: false }],
      })
      await commit(organization, end('agt_1', { final: false }))
      const outcome = await commit(organization, { do: 'restore', id: 'agt_1', atMs: 88, otherwise: 'already_ended' })
      expect(outcome).toStrictEqual({ done: false, refused: 'already_ended', step: 0 })
      expect(await lives(organization, ['agt_1', 100])).toBe(false)
    })

    it('that the command undoes takes no number', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_1'))
      const missing = { do: 'require', table: 'people', where: { id: 'nobody' }, otherwise: 'not_found' } as const
      await commit(organization, end('agt_2'), missing)
      expect(await commit(organization, end('agt_3'))).toMatchObject({ facts: [{ seq: 2 }] })
      expect(await lives(organization, ['agt_2', 0])).toBe(true)
    })

    it('of something whose fact was swept says it again', async () => {
      const organization = newOrganization()
      await commit(organization, end('tok_1', { forgetAfter: 1_000 }))
      await store().sweep(1_001)
      expect(await store().of(organization).facts(0, 10)).toStrictEqual([])
      expect(await lives(organization, ['tok_1', 0])).toBe(false)
      const again = await commit(organization, end('tok_1', { forgetAfter: 4_000_000_000 }))
      expect(again).toMatchObject({ facts: [{ seq: 2, epoch: 1, fresh: false }] })
      expect(await store().of(organization).facts(0, 10)).toMatchObject([{ seq: 2, epoch: 1, id: 'tok_1' }])
    })
  })

  describe('restore', () => {
    it('refuses what has no row, what is alive and what ended for good', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_1'), end('agt_2', { final: true }))
      const restore = (id: string) => commit(organization, { do: 'restore', id, atMs: 88, otherwise: 'conflict' })
      expect(await restore('agt_0')).toMatchObject({ done: false, refused: 'conflict' })
      expect(await restore('agt_2')).toMatchObject({ done: false })
      expect(await restore('agt_1')).toStrictEqual({ done: true, facts: [] })
      expect(await restore('agt_1')).toMatchObject({ done: false })
    })

    it('says since when it stands as it does', async () => {
      const organization = newOrganization()
      const since = async () => (await store().of(organization).standing(['agt_1']))[0]?.since_ms
      await commit(organization, end('agt_1', { atMs: 10 }))
      await commit(organization, end('agt_1', { atMs: 20 }))
      expect(await since()).toBe(10)
      await commit(organization, { do: 'restore', id: 'agt_1', atMs: 30, otherwise: 'conflict' })
      expect(await since()).toBe(30)
      await commit(organization, end('agt_1', { atMs: 40 }))
      expect(await since()).toBe(40)
    })

    it('lets one of many racing commands through', async () => {
      const organization = newOrganization()
      await commit(organization, end('agt_1'))
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, () =>
          commit(organization, { do: 'restore', id: 'agt_1', atMs: 88, otherwise: 'conflict' }),
        ),
      )
      expect(outcomes.filter(({ done }) => done)).toHaveLength(1)
    })
  })

  describe('raise_incarnation', () => {
    it('raises it by one, from the one given', async () => {
      const organization = newOrganization()
      const raise = (from: number) => commit(organization, { do: 'raise_incarnation', from, otherwise: 'conflict' })
      expect(await raise(2)).toMatchObject({ done: false, refused: 'conflict' })
      expect(await store().of(organization).head()).toStrictEqual({ seq: 0, incarnation: 1 })
      expect(await raise(1)).toStrictEqual({ done: true, facts: [] })
      await commit(organization, end('agt_1'))
      expect(await raise(1)).toMatchObject({ done: false })
      expect(await raise(2)).toMatchObject({ done: true })
      expect(await store().of(organization).head()).toStrictEqual({ seq: 1, incarnation: 3 })
    })
  })
}
