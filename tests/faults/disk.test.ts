// F04: the disk is full, of data or of the log of what happened. Nothing is written, and that is said; what can be read is; and once
// there is room the authority goes on by itself.

import { beforeEach, expect, test } from 'vitest'
import { openPoint, registerOperator } from '../revocation/enforcement_point.ts'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type AuthorityProcess, type Deployment, deploy } from './deployment.ts'
import { mountSmallDisk, smallDiskMissing } from './disk.ts'
import { Belongings, loadUntil } from './load.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'
import type { Stage } from './stage.ts'

const rounds = isLong ? 20 : 1
const timeout = isLong ? 1_800_000 : 120_000

beforeEach((context) => {
  const missing = smallDiskMissing()
  if (missing) context.skip(missing)
})

type Answers = { stage: Stage; from: number }

/** Waits until so many requests were answered with this, since `from`. */
async function untilAnswered(
  { stage, from }: Answers,
  wanted: (status: number, code?: string) => boolean,
  times: number,
) {
  const count = () =>
    stage.ledger.entries.slice(from).filter((entry) => entry.says === 'answered' && wanted(entry.status, entry.code))
      .length
  await expect.poll(count).toBeGreaterThanOrEqual(times)
}

const statusOf = async (url: string) => (await fetch(url)).status

test('the disk of the store is full, and has room again', { timeout }, async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const disk = await mountSmallDisk(48)
  let deployment: Deployment | undefined
  try {
    deployment = await deploy('sqlite', {
      settings: { CREDENCE_STORE: `sqlite:${disk.directory}/credence.db` },
      through: disk.through,
    })
    const [process] = deployment.processes as [AuthorityProcess]
    const stage = await setStage(deployment, chance)
    // Of another organization: what it asks for is in no ledger.
    const listener = await openPoint(await registerOperator(await deployment.createOrganization('other'), 'listener'))
    const mine = new Belongings()
    let before = await observe(stage)
    for (let round = 0; round < rounds; round++) {
      let stopped = false
      const load = loadUntil(() => stopped, { stage, seed: seed + 1_000 * round, mine })
      await untilAnswered({ stage, from: stage.ledger.entries.length }, (status) => status < 300, 40)

      disk.fill(Math.floor(chance.between(0, 40_000)))
      const from = stage.ledger.entries.length
      await untilAnswered({ stage, from }, (status, code) => status === 503 && code === 'storage_full', 20)
      for (const path of [
        '/v1/agents?limit=1',
        '/v1/delegations?limit=1',
        '/jwks',
        '/revocations?after=0&nonce=still-here',
      ]) {
        expect([path, (await stage.send({ method: 'GET', path })).status]).toEqual([path, 200])
      }
      // A commit as small as that of the readiness probe may still find room.
      expect(await statusOf(`${process.url}/healthz`)).toBe(200)
      expect([200, 503]).toContain(await statusOf(`${process.url}/readyz`))
      // Whoever holds a lease keeps hearing, so that it goes on refusing what is dead, and nothing else.
      const heard = listener.batches.length
      await listener.until(() => listener.batches.length > heard + 1)

      disk.empty()
      await untilAnswered({ stage, from: stage.ledger.entries.length }, (status) => status < 300, 40)
      stopped = true
      await load
      const now = await observe(stage)
      expect(await check(stage.ledger.entries, now, before), `round ${round} of FAULT_SEED=${seed}`).toEqual([])
      before = now
    }
    await listener.stop()
    await process.kill()
    await process.start()
    expect(await check(stage.ledger.entries, await observe(stage), before), `FAULT_SEED=${seed}`).toEqual([])
  } finally {
    await deployment?.remove()
    await disk.remove()
  }
})

test('the disk that the log lines go to is full', { timeout }, async () => {
  const disk = await mountSmallDisk(1)
  let deployment: Deployment | undefined
  try {
    const redirected = ['sh', '-c', `exec "$@" 2>>${disk.directory}/log`, 'sh']
    deployment = await deploy('sqlite', {
      settings: { CREDENCE_LOG_LEVEL: 'info' },
      through: [...disk.through, ...redirected],
    })
    const [process] = deployment.processes as [AuthorityProcess]
    const stage = await setStage(deployment, new Chance(1))
    const [agent] = stage.steady
    if (!agent) throw new Error('the stage is empty')
    disk.fill()
    for (let n = 0; n < 30; n++) expect((await stage.askToken(agent))?.status).toBe(200)
    const lines = disk.size('log')
    disk.empty()
    await expect
      .poll(async () => {
        expect((await stage.askToken(agent))?.status).toBe(200)
        return disk.size('log')
      })
      .toBeGreaterThan(lines)
    expect(process.isGone).toBe(false)
  } finally {
    await deployment?.remove()
    await disk.remove()
  }
})
