import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../../src/store/index.ts'
import type { Place } from '../contract.ts'
import { upTo } from './commands.ts'
import { command, insertPerson, newOrganization } from './examples.ts'

const rounds = process.env.CREDENCE_LONG ? 100 : 4

export function crashes(newPlace: () => Promise<Place>): void {
  describe('after the end of a process', () => {
    it('what was answered is there, and can be gone on from', async () => {
      const place = await newPlace()
      const organization = newOrganization()
      for (let round = 0; round < 3; round++) {
        const store = await place.open()
        expect(await store.of(organization).count('people', {})).toBe(round)
        await store.commit(command(organization, insertPerson(`psn_${round}`)))
        await store.close()
      }
    })

    it('by kill -9 in a storm of commits, nothing answered is lost and nothing is half there', {
      timeout: 300_000,
    }, async () => {
      const place = await newPlace()
      const organization = newOrganization()
      const answered: number[] = []
      let first = 0
      for (let round = 0; round < rounds; round++) {
        const storm = startStorm(place, organization, first)
        // The ledger of the client: what it has heard before the process was killed.
        const heard: number[] = []
        const lines = createInterface({ input: storm.stdout as NodeJS.ReadableStream })
        lines.on('line', (line) => heard.push(Number(line)))
        const allHeard = once(lines, 'close')
        const enough = 20 + Math.random() * 2_000
        await until(() => heard.length > enough || storm.exitCode !== null)
        storm.kill('SIGKILL')
        if (storm.exitCode === null && storm.signalCode === null) await once(storm, 'close')
        expect(storm.signalCode).toBe('SIGKILL')
        await allHeard
        answered.push(...heard)
        await place.deserted()

        const store = await place.open()
        const there = await check(store, organization)
        expect(answered.filter((index) => !there.has(index))).toStrictEqual([])
        await store.close()
        first = Math.max(first, ...there) + 1_000
      }
      expect(answered.length).toBeGreaterThan(rounds * 20)
    })
  })
}

function startStorm(place: Place, organization: string, first: number): ChildProcess {
  const script = fileURLToPath(new URL('./storm.ts', import.meta.url))
  const args = ['--conditions=@credence/source', script, place.engine, place.at, organization, String(first)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Every command of the storm is whole, and the numbers of its facts have no gap. @returns those that are there. */
async function check(store: Store, organization: string): Promise<Set<number>> {
  const reads = store.of(organization)
  const people = new Map<number, string>()
  for (let after: string | undefined; ; ) {
    const page = await reads.list('people', { order: { by: 'id' }, ...(after && { after }), limit: 1_000 })
    for (const { id, name } of page) people.set(Number(id.slice(4)), name)
    after = page.at(-1)?.id
    if (page.length < 1_000) break
  }
  const facts: Array<{ seq: number; id: string }> = []
  for (;;) {
    const page = await reads.facts(facts.at(-1)?.seq ?? 0, 1_000)
    facts.push(...page)
    if (page.length < 1_000) break
  }
  expect(facts.map(({ seq }) => seq)).toStrictEqual(upTo(facts.length))
  expect((await reads.head()).seq).toBe(facts.length)

  const whole = new Set(people.keys())
  const named = [...people.values()].sort()
  const ended = new Set(facts.map(({ id }) => Number(id.slice(4))))
  // The storm ends an agent in every fourth command.
  expect(ended).toStrictEqual(new Set([...whole].filter((index) => index % 4 === 0)))
  const recorded: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await reads.list('audit_records', { order: { by: 'id' }, ...(after && { after }), limit: 1_000 })
    recorded.push(...page.map(({ id }) => id))
    after = page.at(-1)?.id
    if (page.length < 1_000) break
  }
  expect(recorded.sort()).toStrictEqual(named)
  expect(await reads.count('replay_ids', {})).toBe(whole.size)
  expect(await reads.count('audit_values', {})).toBe(whole.size)
  return whole
}

async function until(holds: () => boolean): Promise<void> {
  const giveUp = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > giveUp) throw new Error('The storm does not go on.')
    await sleep(10)
  }
}
