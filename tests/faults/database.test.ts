// What a database does short of crashing: it stops answering with its connections open (F09), and it keeps others waiting for a lock (F11).

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, postgresMissing, startPostgres } from '../postgres.ts'
import { note, requestsIn } from './campaign.ts'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { startDatabaseProxy } from './database_proxy.ts'
import { type Deployment, deploy } from './deployment.ts'
import { Belongings, loadUntil } from './load.ts'
import { observe } from './observe.ts'
import { isLong, longMs, passingFault, runCampaign, setStage } from './rounds.ts'
import type { Stage } from './stage.ts'

const rounds = isLong ? 10 : 1
const timeout = isLong ? 900_000 : 120_000

beforeEach((context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
})

/** Everything is answered although nothing below answers, and is said to be out of order; the process itself is not. */
async function expectFastRefusals(deployment: Deployment, ask: () => Promise<unknown>): Promise<void> {
  for (const { url } of deployment.processes) {
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
  }
  await ask()
}

// Everyday, the next shows the same to the authority.
if (isLong)
  test('its processes stand still (F09)', { timeout }, async () => {
    const server = await startPostgres()
    const hang = (open: { deployment: Deployment }) => async () => {
      server.freeze()
      try {
        await expectFastRefusals(open.deployment, () => sleep(isLong ? 10_000 : 500))
      } finally {
        server.thaw()
      }
    }
    try {
      const store = server.url
      await runCampaign({ store, processes: 2, rounds, fault: (round) => passingFault(hang(round))(round) })
    } finally {
      await server.stop()
    }
  })

test('its connections are open, and nothing comes through them (F09)', { timeout }, async () => {
  const proxy = await startDatabaseProxy(await freshDatabase(), new Chance(newSeed()))
  const hang = (open: { deployment: Deployment }) => async () => {
    const { up, down } = proxy.network
    for (const lane of [up, down]) lane.held = true
    try {
      await expectFastRefusals(open.deployment, () => sleep(isLong ? 10_000 : 500))
    } finally {
      for (const lane of [up, down]) lane.held = false
    }
  }
  try {
    const store = proxy.url
    await runCampaign({ store, processes: 2, rounds, fault: (round) => passingFault(hang(round))(round) })
  } finally {
    await proxy.stop()
  }
})

const flood = isLong ? 400 : 120

/** What issuing needs and revoking by an administrator does not. */
test('issuing waits for a lock, and whoever revokes does not (F11)', { timeout }, async () => {
  const seed = newSeed()
  const url = await freshDatabase()
  const deployment = await deploy(url, { processes: 2 })
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  try {
    const stage = await setStage(deployment, new Chance(seed))
    await someLoad(stage, seed)
    const began = performance.now()
    let round = 0
    for (; round < rounds && (round === 0 || performance.now() - began < longMs); round++) {
      await other.query('begin; lock table replay_ids in access exclusive mode')
      let waiting = flood
      const asked = Array.from({ length: flood }, () =>
        stage.askToken(stage.steady[0] as Stage['steady'][number]).finally(() => {
          waiting -= 1
        }),
      )
      // While others fill the pool, one after the other.
      const revoked: Array<number | undefined> = []
      while (waiting > 0) {
        const id = `task:${round}-${revoked.length}`
        const answer = await stage.ask({ do: 'revoke', id }, { path: '/v1/revocations', json: { id, cause: 'test' } })
        revoked.push(answer?.status)
      }
      // All of them have been answered, and the lock is still held.
      const answers = await Promise.all(asked)
      await other.query('rollback')
      expect(new Set(answers.map((answer) => answer?.status)), `FAULT_SEED=${seed}`).toEqual(new Set([503]))
      expect(new Set(revoked), `FAULT_SEED=${seed}`).toEqual(new Set([200]))
      expect(await check(stage.ledger.entries, await observe(stage)), `FAULT_SEED=${seed}`).toEqual([])
    }
    note({ engine: 'PostgreSQL', rounds: round, requests: requestsIn(stage), seed })
    await stage.ledger.close()
  } finally {
    await other.end()
    await deployment.remove()
  }
})

async function someLoad(stage: Stage, seed: number): Promise<void> {
  const enough = stage.ledger.entries.length + 100
  await loadUntil(() => stage.ledger.entries.length >= enough, { stage, seed, mine: new Belongings() })
}
