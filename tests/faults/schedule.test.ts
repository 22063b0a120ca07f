// F40: all that can go wrong, drawn by chance and several at once, round after round on the same data. A seed repeats its plan.

import { expect, type TestContext, test } from 'vitest'
import { postgresMissing, startPostgres } from '../postgres.ts'
import { Chance, newSeed } from './chance.ts'
import { startDatabaseProxy } from './database_proxy.ts'
import { isLong, runCampaign } from './rounds.ts'
import { happenings, planOf, scheduled } from './schedule.ts'

const campaigns = isLong ? 5 : 1
const rounds = isLong ? 20 : 2
const timeout = campaigns * 900_000

test('a seed repeats its plan, and in time everything is drawn', () => {
  const seed = newSeed()
  for (const engine of ['SQLite', 'PostgreSQL'] as const) {
    const drawn = Array.from({ length: 400 }, (_, round) => planOf(seed, round, engine))
    expect(Array.from({ length: 400 }, (_, round) => planOf(seed, round, engine))).toEqual(drawn)
    const possible = happenings.filter(({ on }) => on === 'both' || on === engine)
    expect(new Set(drawn.flat().map(({ happening }) => happening))).toEqual(new Set(possible))
    expect(drawn.some((plan) => plan.length > 1)).toBe(true)
  }
})

const say = (line: string) => console.log(`  ${line}`)

const first = newSeed()
/** Everyday one of the two; its seed says which. */
const engines = ['SQLite', 'PostgreSQL'].filter((_, n) => isLong || n === first % 2)

test.for(engines)('whatever happens, on %s (F40)', { timeout }, async (engine, context) => {
  if (engine === 'PostgreSQL') return onPostgres(context)
  for (let n = 0; n < campaigns; n++) {
    const seed = n === 0 ? first : newSeed()
    const fault = scheduled(seed, undefined, say)
    await runCampaign({ store: 'sqlite', fault, rounds, seed, harmless: true })
  }
})

async function onPostgres(context: TestContext): Promise<void> {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  for (let n = 0; n < campaigns; n++) {
    const seed = n === 0 ? first : newSeed()
    const server = await startPostgres()
    const proxy = await startDatabaseProxy(server.url, new Chance(seed))
    try {
      const fault = scheduled(seed, { server, proxy }, say)
      await runCampaign({ store: proxy.url, processes: 2, fault, rounds, seed, harmless: true })
    } finally {
      await proxy.stop()
      await server.stop()
    }
  }
}
