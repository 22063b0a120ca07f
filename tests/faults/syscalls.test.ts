// F01, F05: any call to the system that writes may be the last one, or fail. Nothing acknowledged is lost, nothing is there by halves,
// whatever does not start says why, and the start after it needs no help.

import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type AuthorityProcess, deploy } from './deployment.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'
import { drawInjection, type Injection, injecting, say, straceMissing, type Where } from './syscalls.ts'
import { firstStartSite, type Site, scriptSite } from './syscalls_sites.ts'

const timeout = isLong ? 7_200_000 : 180_000
/** Of an everyday run, for each of the tests here. A slow machine tries fewer places. */
const everydayMs = 3_000

beforeEach((context) => {
  const missing = straceMissing()
  if (missing) context.skip(missing)
})

/**
 * A fault at each place, or at a few by chance; expects that none leaves anything wrong.
 *
 * @param sure where something surely happens: tried first.
 */
async function hitEach(site: Site, places: readonly Where[], sure: Injection): Promise<void> {
  const seed = newSeed()
  const chance = new Chance(seed)
  const began = performance.now()
  const bad: string[] = []
  let tried = 0
  let hits = 0
  const hit = async (injection: Injection) => {
    const { found, hit } = await site.run(injection)
    tried += 1
    if (hit) hits += 1
    bad.push(...found.map((says) => `${say(injection)}: ${says}`))
  }
  try {
    await hit(sure)
    expect(hits, say(sure)).toBe(1)
    if (isLong) {
      for (const where of places) for (const injection of await site.injections(where)) await hit(injection)
    } else {
      while (performance.now() - began < everydayMs) await hit(drawInjection(chance.pick(places), chance))
    }
    console.log(`FAULT_SEED=${seed}: ${tried} places tried, ${hits} of them noticed`)
    expect(bad, `FAULT_SEED=${seed}`).toEqual([])
  } finally {
    await site.remove()
  }
}

test('a call is the last, or fails: at a start on data, and at requests', { timeout }, async () => {
  const sure: Injection = { where: 'files', call: 'pwrite64', at: 30, what: 'KILL' }
  await hitEach(await scriptSite('sqlite'), ['files', 'network'], sure)
})

test('a call is the last, or fails: at the very first start', { timeout }, async () => {
  // Between the moment at which the first secret is valid and that at which it is in its place.
  const sure: Injection = { where: 'files', call: 'link', at: 1, what: 'KILL' }
  await hitEach(await firstStartSite(), ['files'], sure)
})

test('the way to PostgreSQL ends, or the answer is not sent', { timeout }, async (context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  const sure: Injection = { where: 'network', call: 'write', at: 12, what: 'KILL' }
  await hitEach(await scriptSite(await freshDatabase()), ['network'], sure)
})

test('a write or an fsync that failed once ends all writing until the next start (F05)', { timeout }, async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const deployment = await deploy('sqlite')
  const [process] = deployment.processes as [AuthorityProcess]
  try {
    const stage = await setStage(deployment, chance)
    const before = await observe(stage)
    for (const call of isLong ? ['fsync,fdatasync', 'pwrite64'] : [chance.pick(['fsync,fdatasync', 'pwrite64'])]) {
      await process.kill()
      // Of its first writing after the start, one; once.
      const at = Math.floor(chance.between(4, 16))
      const injection: Injection = { where: 'files', call, at, what: 'EIO' }
      await process.start(injecting(deployment.directory, injection, ['credence.db-wal']))
      const [agent] = stage.steady
      if (!agent) throw new Error('the stage is empty')
      for (let asked = 0; (await stage.askToken(agent))?.status === 200; asked++) expect(asked).toBeLessThan(200)

      const end = { path: '/v1/revocations', json: { id: 'task:any', cause: 'test' } }
      for (let n = 0; n < 3; n++) {
        const answers = [await stage.askToken(agent), await stage.send(end)]
        expect(answers.map((answer) => answer?.status)).toEqual([503, 503])
      }
      const statusOf = async (path: string) => (await fetch(`${process.url}${path}`)).status
      expect([await statusOf('/healthz'), await statusOf('/readyz')]).toEqual([200, 503])
      for (const path of ['/v1/agents', '/jwks', '/revocations?after=0&nonce=still-here']) {
        expect((await stage.send({ method: 'GET', path })).status).toBe(200)
      }
      await process.kill()
      await process.start()
      expect(await check(stage.ledger.entries, await observe(stage), before), `FAULT_SEED=${seed}`).toEqual([])
    }
  } finally {
    await deployment.remove()
  }
})
