// Hours of quiet work, with everything short-lived: what a process holds must not grow with how long it has run.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from '@credence/sdk'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import pg from 'pg'
import { Chance } from './chance.ts'
import { type Deployment, deploy, tellLogs, type Vitals } from './deployment.ts'
import type { Deed } from './ledger.ts'
import { Belongings, loadUntil } from './load.ts'
import { setStage } from './rounds.ts'
import { audience, type Stage } from './stage.ts'

/** `usedUp`: single-use things shown in the time for which they are remembered, and so the most rows there may be. */
export type Sample = Vitals & { atMs: number; requests: number; replayIds: number; usedUp: number; p99Ms: number }

export type Soaked = { samples: Sample[]; failures: string[] }

/** How long an assertion is remembered at most: its life, the tolerance of clocks, and until the sweep after comes (60 s, and a fifth). */
const rememberedMs = (300 + 5 + 60 * 1.2) * 1_000
const verifiers = 8
const ends: ReadonlySet<Deed> = new Set(['revoke', 'revoke own token', 'suspend', 'rotate'])

/** @param store as for `deploy`; of a database here its rows are counted. */
export async function soak(
  store: string,
  { forMs, everyMs, pauseMs, seed }: { forMs: number; everyMs: number; pauseMs: number; seed: number },
): Promise<Soaked> {
  const settings = { CREDENCE_ACCESS_TOKEN_LIFETIME: '10', CREDENCE_SIGNING_KEY_LEAD: '0' }
  const deployment = await deploy(store, { settings })
  const watching: Verifier[] = []
  const ending = new AbortController()
  const soaked: Soaked = { samples: [], failures: [] }
  try {
    const chance = new Chance(seed)
    const stage = await setStage(deployment, chance)
    const counting = await counter(store, deployment)
    const load = loadUntil(() => ending.signal.aborted, { stage, seed, mine: new Belongings(), workers: 2, pauseMs })
    const shown: number[] = []
    for (const began = Date.now(); Date.now() - began < forMs; ) {
      await sleep(everyMs)
      await turnOver(watching, stage, chance)
      const { requests, p99Ms, failures } = readAndForget(stage, shown)
      soaked.failures.push(...failures)
      const vitals = (await deployment.processes[0]?.vitals()) as Vitals
      const atMs = Date.now()
      while ((shown[0] ?? atMs) < atMs - rememberedMs) shown.shift()
      const replayIds = await counting.replayIds()
      soaked.samples.push({ ...vitals, atMs, requests, replayIds, usedUp: shown.length, p99Ms })
    }
    ending.abort()
    await load
    await counting.close()
    return soaked
  } catch (error) {
    // What was measured up to here is worth as much.
    tellLogs(deployment, seed)
    soaked.failures.push(String(error))
    return soaked
  } finally {
    ending.abort()
    await Promise.all(watching.map((verifier) => verifier.stop()))
    await deployment.remove()
  }
}

/** One more enforcement point, and, when there are enough, one less: streams come and go. Now and then a signing key does too. */
async function turnOver(watching: Verifier[], { organization, operator }: Stage, chance: Chance): Promise<void> {
  const { issuer } = organization
  if (chance.next() < 0.05) await organization.api('post', '/v1/signing-keys')
  const agent = createAgent({ issuer, clientId: operator.clientId, key: operator.key })
  const verifier = createVerifier({ resource: audience, issuers: [{ issuer, operator: agent }] })
  watching.push(verifier)
  await verifier.ready()
  if (watching.length > verifiers) await watching.shift()?.stop()
}

/** What was asked since the last time. It is not kept: this process runs for hours too. */
function readAndForget({ ledger }: Stage, shown: number[]): { requests: number; p99Ms: number; failures: string[] } {
  const entries = ledger.entries.splice(0)
  const asked = new Map<number, number>()
  const took: number[] = []
  const failures: string[] = []
  for (const entry of entries) {
    if (entry.says === 'asked') {
      asked.set(entry.n, entry.atMs)
      const { assertion, proof } = entry.wish
      // Of a request that is refused early, or carries an assertion that is not in the ledger (RFC 7009), as well: at most so many.
      for (const one of [assertion, proof, entry.wish.do === 'revoke own token']) if (one) shown.push(entry.atMs)
      // Of each end every enforcement point says, once, that it knows.
      if (ends.has(entry.wish.do)) for (let n = 0; n <= verifiers; n++) shown.push(entry.atMs)
    } else if (entry.says === 'answered') {
      const since = asked.get(entry.n)
      if (since !== undefined) took.push(entry.atMs - since)
      if (entry.status >= 500) failures.push(`${entry.status} ${entry.code}`)
    } else if (entry.says === 'unanswered') failures.push(entry.why)
  }
  took.sort((a, b) => a - b)
  return { requests: asked.size, p99Ms: took[Math.floor(took.length * 0.99)] ?? 0, failures }
}

async function counter(store: string, { directory }: Deployment) {
  const sql = 'select count(*) as n from replay_ids'
  if (store === 'sqlite') {
    const database = new DatabaseSync(join(directory, 'credence.db'), { readOnly: true })
    return { replayIds: async () => Number(database.prepare(sql).get()?.n), close: async () => database.close() }
  }
  const client = new pg.Client({ connectionString: store })
  await client.connect()
  return { replayIds: async () => Number((await client.query(sql)).rows[0].n), close: () => client.end() }
}
