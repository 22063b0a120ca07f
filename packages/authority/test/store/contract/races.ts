import { describe, expect, it } from 'vitest'
import type { Store } from '../../../src/store/index.ts'
import type { Setting } from '../contract.ts'
import { upTo } from './commands.ts'
import { command, end, insertPerson, newOrganization } from './examples.ts'

const missing = { do: 'require', table: 'people', where: { id: 'nobody' }, otherwise: 'not_found' } as const

export function races({ place, store }: Setting): void {
  describe('fact numbers under racing commits', () => {
    it('have no gaps, repeat none, and appear in order to whoever reads meanwhile', async () => {
      // A second process of the same store, where it can have one.
      const other = place().engine === 'postgres' ? await place().open() : store()
      const organization = newOrganization()
      const watching = watch(other, organization)

      const total = 400
      const outcomes = await Promise.all(
        Array.from({ length: total }, (_, index) => {
          const through = index % 2 === 0 ? store() : other
          // Every third ends and then fails; every fifth ends two things.
          const steps = [end(`agt_${index}`), ...(index % 5 === 0 ? [end(`tok_${index}`)] : [])]
          return through.commit(
            command(organization, insertPerson(`psn_${index}`), ...steps, ...(index % 3 === 0 ? [missing] : [])),
          )
        }),
      )
      const given = outcomes.flatMap((outcome) => (outcome.done ? outcome.facts.map(({ seq }) => seq) : []))
      const expected = Array.from({ length: total }, (_, index) => index)
        .filter((index) => index % 3 !== 0)
        .reduce((sum, index) => sum + (index % 5 === 0 ? 2 : 1), 0)
      expect(given.toSorted((a, b) => a - b)).toStrictEqual(upTo(expected))
      expect(await watching.stop()).toBe(expected)
      expect(await store().of(organization).head()).toStrictEqual({ seq: expected, incarnation: 1 })
      for (const outcome of outcomes) {
        if (outcome.done && outcome.facts.length === 2)
          expect(outcome.facts[1]?.seq).toBe((outcome.facts[0]?.seq ?? 0) + 1)
      }
      if (other !== store()) await other.close()
    })

    it('are the same for all who end the same thing, and fresh for one', async () => {
      const other = place().engine === 'postgres' ? await place().open() : store()
      const organization = newOrganization()
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, index) => {
          const through = index % 8 < 4 ? store() : other
          return through.commit(command(organization, end(`agt_${index % 4}`)))
        }),
      )
      if (other !== store()) await other.close()
      const facts = outcomes.flatMap((outcome) => (outcome.done ? outcome.facts : []))
      expect(facts).toHaveLength(100)
      expect(facts.filter(({ fresh }) => fresh)).toHaveLength(4)
      expect(new Set(facts.map(({ id, seq }) => `${id} ${seq}`)).size).toBe(4)
      expect((await store().of(organization).facts(0, 10)).map(({ seq }) => seq)).toStrictEqual([1, 2, 3, 4])
    })

    it('belong to one organization each, also when many end at once', async () => {
      const organizations = Array.from({ length: 8 }, newOrganization)
      await Promise.all(
        Array.from({ length: 160 }, (_, index) =>
          store().commit(command(organizations[index % 8] as string, end(`agt_${index}`))),
        ),
      )
      for (const organization of organizations) {
        expect((await store().of(organization).facts(0, 100)).map(({ seq }) => seq)).toStrictEqual(upTo(20))
      }
    })

    it('survive ends in opposite orders', async () => {
      const organization = newOrganization()
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, index) => {
          const pair = [end('agt_1'), end('agt_2')]
          return store().commit(command(organization, ...(index % 2 ? pair : pair.reverse())))
        }),
      )
      expect(outcomes.every(({ done }) => done)).toBe(true)
      expect(await store().of(organization).head()).toMatchObject({ seq: 2 })
    })
  })

  describe('what has been answered', () => {
    it('is there for the next read, here and in any process of the store', async () => {
      const other = place().engine === 'postgres' ? await place().open() : store()
      const organization = newOrganization()
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          await store().commit(command(organization, insertPerson(`psn_${index}`), end(`agt_${index}`)))
          for (const reader of [store(), other]) {
            const reads = reader.of(organization)
            expect(await reads.get('people', { id: `psn_${index}` })).toBeDefined()
            expect(await reads.standing([`agt_${index}`])).toHaveLength(1)
          }
        }),
      )
      if (other !== store()) await other.close()
    })
  })
}

/** Reads again and again, and fails if a number is there before one below it. */
function watch(store: Store, organization: string) {
  let stopped = false
  let last = 0
  const done = (async () => {
    for (let final = false; !final; ) {
      final = stopped
      const facts = await store.of(organization).facts(last, 1_000)
      for (const { seq } of facts) {
        if (seq !== last + 1) throw new Error(`${seq} was there before ${last + 1}`)
        last = seq
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    return last
  })()
  done.catch(() => {})
  return {
    stop: () => {
      stopped = true
      return done
    },
  }
}
