import { beforeEach, describe, expect, it } from 'vitest'
import type { Step } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import { agent, command, credential, end, insertAgent, newOrganization } from './examples.ts'

/** A store may answer from memory: nobody can tell. */
export function readsAgain({ place, store }: Setting): void {
  describe('what was read before', () => {
    let organization: string
    const reads = () => store().of(organization)
    const commit = (...steps: Step[]) => store().commit(command(organization, ...steps))
    const byName = (handle: string) => reads().get('agents', { spiffe_id: agent('', handle).spiffe_id })
    const ada = agent('agt_1', 'ada')

    beforeEach(async () => {
      organization = newOrganization()
      await commit(insertAgent('agt_1', 'ada'), {
        do: 'insert',
        table: 'credentials',
        row: credential('crd_1', { kid: 'key' }),
        otherwise: 'conflict',
      })
      expect(await reads().get('agents', { id: 'agt_1' })).toStrictEqual(ada)
      expect(await byName('ada')).toStrictEqual(ada)
      expect(await byName('bob')).toBeUndefined()
      expect(await reads().get('credentials', { holder: 'agt_1', kid: 'key' })).toMatchObject({ id: 'crd_1' })
      expect(await reads().standing(['agt_1'])).toStrictEqual([])
    })

    it('is seen as every kind of step left it', async () => {
      const where = { id: 'agt_1' }
      await commit({ do: 'update', table: 'agents', where, set: { version: '2' }, otherwise: 'conflict' })
      expect(await byName('ada')).toStrictEqual({ ...ada, version: '2' })
      await commit({ do: 'touch', table: 'agents', where, set: { version: '3' } })
      expect(await byName('ada')).toStrictEqual({ ...ada, version: '3' })
      await commit({ do: 'put', table: 'agents', row: { ...ada, version: '4' } })
      expect(await byName('ada')).toStrictEqual({ ...ada, version: '4' })
      await commit({ do: 'delete', table: 'agents', where })
      expect(await byName('ada')).toBeUndefined()
      await commit({ do: 'insert_if_absent', table: 'agents', row: ada })
      expect(await byName('ada')).toStrictEqual(ada)
      await commit(insertAgent('agt_2', 'bob'))
      expect(await byName('bob')).toStrictEqual(agent('agt_2', 'bob'))
    })

    it('is seen where many rows changed at once', async () => {
      await commit({ do: 'touch', table: 'agents', where: { owner: 'psn_1' }, set: { status: 'retired' } })
      expect(await byName('ada')).toMatchObject({ status: 'retired' })
      await commit({ do: 'delete', table: 'credentials', where: { holder: 'agt_1' } })
      expect(await reads().get('credentials', { holder: 'agt_1', kid: 'key' })).toBeUndefined()
    })

    it('is found by what it is called now, and no longer by what it was called', async () => {
      const set = { handle: 'bob', spiffe_id: agent('', 'bob').spiffe_id }
      await commit({ do: 'update', table: 'agents', where: { id: 'agt_1' }, set, otherwise: 'conflict' })
      expect(await byName('bob')).toMatchObject({ id: 'agt_1' })
      expect(await byName('ada')).toBeUndefined()
      await commit(insertAgent('agt_2', 'ada'))
      expect(await byName('ada')).toMatchObject({ id: 'agt_2' })
      expect(await reads().get('agents', { id: 'agt_1', handle: 'ada' })).toBeUndefined()
    })

    it('stands as it was left', async () => {
      await commit(end('agt_1', { atMs: 7 }))
      expect(await reads().standing(['agt_1', 'agt_2'])).toMatchObject([{ id: 'agt_1', alive: 0, epoch: 1 }])
      await commit({ do: 'restore', id: 'agt_1', atMs: 8, otherwise: 'conflict' })
      expect(await reads().standing(['agt_2', 'agt_1'])).toMatchObject([{ id: 'agt_1', alive: 1, epoch: 1 }])
      await commit(end('agt_1', { final: true }))
      expect(await reads().standing(['agt_1'])).toMatchObject([{ alive: 0, epoch: 2, final: 1 }])
    })

    it('stays as it was when the command is refused', async () => {
      const set = { version: '2' }
      const change: Step = { do: 'update', table: 'agents', where: { id: 'agt_1' }, set, otherwise: 'conflict' }
      expect(await commit(change, end('agt_1'), insertAgent('agt_1', 'ada'))).toMatchObject({ done: false })
      expect(await byName('ada')).toStrictEqual(ada)
      expect(await reads().standing(['agt_1'])).toStrictEqual([])
    })

    it('stays as it was in other organizations', async () => {
      const other = newOrganization()
      await store().commit(command(other, insertAgent('agt_1', 'ada')))
      expect(await store().of(other).get('agents', { id: 'agt_1' })).toStrictEqual(ada)
      await commit({ do: 'delete', table: 'agents', where: { id: 'agt_1' } }, end('agt_1'))
      expect(await store().of(other).get('agents', { id: 'agt_1' })).toStrictEqual(ada)
      expect(await store().of(other).standing(['agt_1'])).toStrictEqual([])
      expect(await byName('ada')).toBeUndefined()
    })

    it('is seen by those who hear of the commit, and while many are under way', async () => {
      const heard: Array<Promise<unknown>> = []
      const stop = store().onCommit((done) => {
        if (done.organization === organization) heard.push(reads().get('agents', { id: 'agt_1' }))
      })
      for (let version = 2; version < 30; version++) {
        const set = { version: String(version) }
        const done = commit({ do: 'update', table: 'agents', where: { id: 'agt_1' }, set, otherwise: 'conflict' })
        // Whatever these see, nothing of it may stay.
        const meanwhile = Array.from({ length: 20 }, () => new Promise(setImmediate).then(() => byName('ada')))
        await done
        expect(await byName('ada')).toMatchObject(set)
        expect(await heard.at(-1)).toMatchObject(set)
        await Promise.all(meanwhile)
        expect(await byName('ada')).toMatchObject(set)
      }
      stop()
    })

    it('is read anew once it is not known what became of a command', async () => {
      if (place().engine !== 'sqlite') return
      const away = { do: 'touch', table: 'agents', where: { id: 'agt_1' }, set: { version: () => {} } }
      await expect(commit(away as unknown as Step)).rejects.toThrow()
      expect(await byName('ada')).toStrictEqual(ada)
    })
  })
}
