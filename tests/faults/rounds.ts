// Load, a fault in the middle of it, and a look at what is left: again and again on the same data.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { engineOf, note } from './campaign.ts'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type Deployment, deploy, tellLogs } from './deployment.ts'
import { Belongings, loadUntil } from './load.ts'
import { type Observation, observe } from './observe.ts'
import { Stage } from './stage.ts'
import { tell } from './told.ts'

export const isLong = Boolean(process.env.CREDENCE_LONG)

/**
 * What goes wrong in a round. The load goes on until `stopLoad`, and all of it has ended when that returns. At the end every
 * process answers again.
 *
 * @returns milliseconds until the authority answered again.
 */
export type Fault = (round: {
  deployment: Deployment
  chance: Chance
  stopLoad: () => Promise<void>
}) => Promise<number>

export type Campaign = {
  /** `sqlite`, or the URL of a database of its own. */
  store: string
  fault: Fault
  rounds: number
  processes?: number
  /** Drawn by chance, the fault may be one that no request fails of. */
  harmless?: boolean
  /** A new one, unless said. */
  seed?: number
}

/** A slow machine gets through fewer rounds of an everyday run, not through a longer one. */
const everydayMs = 15_000
/** Of one campaign of a long run: no round begins after it. For a run that must come to an end. */
export const longMs = Number(process.env.CREDENCE_TEST_CAMPAIGN_SECONDS ?? 3_600) * 1_000

/** Runs the rounds, and expects that no round leaves a violation. Prints its seed, and the slowest recovery. */
export async function runCampaign(campaign: Campaign): Promise<void> {
  const { store, fault, rounds, processes = 1, harmless = false, seed = newSeed() } = campaign
  const chance = new Chance(seed)
  const deployment = await deploy(store, { processes })
  try {
    const stage = await setStage(deployment, chance)
    const mine = new Belongings()
    let before: Observation | undefined
    let slowest = 0
    let round = 0
    const began = performance.now()
    const mostMs = isLong ? longMs : everydayMs
    for (; round < rounds && (round === 0 || performance.now() - began < mostMs); round++) {
      let stopped = false
      const load = loadUntil(() => stopped, { stage, seed: seed + 1_000 * round, mine })
      await inTheMiddle(stage, chance)
      const stopLoad = () => {
        stopped = true
        return load
      }
      slowest = Math.max(slowest, await fault({ deployment, chance, stopLoad }))
      await stopLoad()
      const now = await observe(stage)
      expect(await check(stage.ledger.entries, now, before), `round ${round} of FAULT_SEED=${seed}`).toEqual([])
      before = now
    }
    const told = tell(stage.ledger.entries)
    const count = (wanted: string) => told.filter(({ outcome }) => outcome === wanted).length
    console.log(
      `FAULT_SEED=${seed}: ${round} rounds, ${count('done')} acknowledged, ${count('refused')} refused, ` +
        `${count('unknown')} unknown; answered again within ${Math.round(slowest)} ms`,
    )
    note({ engine: engineOf(store), rounds: round, requests: told.length, seed })
    // A load that hardly got through, or a fault that nobody was hit by, shows nothing.
    expect(count('done')).toBeGreaterThan(20 * round)
    if (!harmless) expect(count('unknown')).toBeGreaterThan(0)
    await stage.ledger.close()
  } catch (error) {
    tellLogs(deployment, seed)
    throw error
  } finally {
    await deployment.remove()
  }
}

/** Some way into the load, at no moment in particular. A slow machine does not make it an early one. */
async function inTheMiddle({ ledger }: Stage, chance: Chance): Promise<void> {
  const enough = ledger.entries.length + chance.between(80, 500)
  const giveUp = performance.now() + 30_000
  while (ledger.entries.length < enough && performance.now() < giveUp) await sleep(5)
  await sleep(chance.between(0, 20))
}

/** The actors, in an organization of their own. Of several processes each is reached as often as the others. */
export async function setStage(
  deployment: Deployment,
  chance: Chance,
  reach = () => chance.pick(deployment.processes).url,
): Promise<Stage> {
  const organization = await deployment.createOrganization('acme')
  return Stage.set(organization, join(deployment.directory, 'ledger.jsonl'), reach)
}

/** `kill -9` of every process at once, and a start on the same data and ports. */
export const killAll: Fault = async ({ deployment, stopLoad }) => {
  await Promise.all(deployment.processes.map((process) => process.kill()))
  await stopLoad()
  const times: number[] = []
  // One after the other: the first finds the data as the crash left it.
  for (const process of deployment.processes) times.push(await process.start())
  return Math.max(...times)
}

/** `kill -9` of one of several, while the others go on; now and then of all. */
export const killSome: Fault = async (round) => {
  const { deployment, chance, stopLoad } = round
  if (chance.next() < 0.25) return killAll(round)
  const process = chance.pick(deployment.processes)
  await process.kill()
  await sleep(chance.between(100, 400))
  const took = await process.start()
  await sleep(chance.between(100, 300))
  await stopLoad()
  return took
}

/** Something happens, and the authority is left alone with it. @param happens ends when all it needs answers again. */
export function passingFault(happens: () => Promise<void>): Fault {
  return async ({ deployment, chance, stopLoad }) => {
    await happens()
    const began = performance.now()
    for (const process of deployment.processes) await untilReady(process.url)
    const took = performance.now() - began
    await sleep(chance.between(100, 300))
    await stopLoad()
    return took
  }
}

export async function untilReady(url: string): Promise<void> {
  const giveUp = performance.now() + 60_000
  for (;;) {
    const { status } = await fetch(`${url}/readyz`)
    if (status === 200) return
    if (performance.now() > giveUp) throw new Error(`still ${status}, a minute after its database came back`)
    await sleep(10)
  }
}
