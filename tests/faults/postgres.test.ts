// What PostgreSQL can do to an authority, and several authorities to one another. Whatever it is: no effect by halves, 503 at worst,
// and the authority finds back by itself.

import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, test } from 'vitest'
import { freshDatabase, postgresMissing, startPostgres } from '../postgres.ts'
import { Chance, newSeed } from './chance.ts'
import { startDatabaseProxy } from './database_proxy.ts'
import { type Fault, isLong, killSome, passingFault, runCampaign } from './rounds.ts'

const campaigns = isLong ? 6 : 1
const rounds = isLong ? 10 : 2
const timeout = campaigns * 180_000

beforeEach((context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
})

test('two processes on one database, killed and started again', { timeout }, async () => {
  for (let n = 0; n < campaigns; n++) {
    await runCampaign({ store: await freshDatabase(), processes: 2, fault: killSome, rounds })
  }
})

test('the database crashes, or is restarted in order, and comes back (F08)', { timeout }, async () => {
  for (let n = 0; n < campaigns; n++) {
    const server = await startPostgres()
    const fault: Fault = (round) =>
      passingFault(() => (round.chance.next() < 0.5 ? server.crash() : server.restart()))(round)
    try {
      await runCampaign({ store: server.url, processes: 2, fault, rounds })
    } finally {
      await server.stop()
    }
  }
})

test('answers of the database are lost, and so are requests to it (F03)', { timeout }, async () => {
  for (let n = 0; n < campaigns; n++) {
    const proxy = await startDatabaseProxy(await freshDatabase(), new Chance(newSeed()))
    try {
      const fault = passingFault(async () => {
        const { requests, answers } = proxy.cuts
        Object.assign(proxy.cutting, { requests: 0.01, answers: 0.1 })
        await sleep(600)
        // Of a slow machine's few requests none may have been hit by now; one will be.
        while (proxy.cuts.requests === requests || proxy.cuts.answers === answers) await sleep(20)
        Object.assign(proxy.cutting, { requests: 0, answers: 0 })
      })
      await runCampaign({ store: proxy.url, fault, rounds })
    } finally {
      await proxy.stop()
    }
  }
})
