// Where system calls are hit: at a script of requests to an authority that has data, and at the very first start of one that has none.

import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Chance } from './chance.ts'
import { check } from './check.ts'
import { type AuthorityProcess, deploy } from './deployment.ts'
import { keepData, putBack } from './kept.ts'
import { type Observation, observe } from './observe.ts'
import { setStage } from './rounds.ts'
import type { Stage } from './stage.ts'
import { counted, counting, everyInjection, type Injection, injecting, type Where } from './syscalls.ts'
import { play } from './syscalls_script.ts'
import { tell } from './told.ts'

/** `found`: what is wrong afterwards. `hit`: the authority ended, did not start, or did not do all it was asked. */
export type Outcome = { found: string[]; hit: boolean }

export type Site = {
  /** Every call, of those that a run without a fault makes. */
  injections(where: Where): Promise<Injection[]>
  run(injection: Injection): Promise<Outcome>
  remove(): Promise<void>
}

/** A started authority may be slow to say so through a tracer, and one that ended said why. */
async function startThrough(process: AuthorityProcess, through: readonly string[]): Promise<string | undefined> {
  const before = process.log.length
  try {
    await process.start(through)
    return undefined
  } catch {
    return process.log.slice(before)
  }
}

/** Why it did not start, if it was not killed: a refusal that names a reason, never a mistake of ours. (Or what says so was hit.) */
function sayWhy({ what, where }: Injection, said: string | undefined): string[] {
  if (said === undefined || what === 'KILL' || where === 'network' || /code: '(storage|store|config|file)_/.test(said))
    return []
  return [`it does not start, and does not say why: ${said.slice(-1_500)}`]
}

/** A script of requests: on SQLite on the same data each time, on PostgreSQL on what the runs before left. */
export async function scriptSite(store: string): Promise<Site> {
  const deployment = await deploy(store)
  const { directory } = deployment
  const [process] = deployment.processes as [AuthorityProcess]
  let stage: Stage
  let before: Observation
  let entries: number
  try {
    stage = await setStage(deployment, new Chance(1))
    await play(stage, () => process.isGone)
    before = await observe(stage)
    await process.kill()
    if (store === 'sqlite') keepData(directory, 'kept')
    entries = stage.ledger.entries.length
  } catch (error) {
    await deployment.remove()
    throw error
  }
  const again = () => {
    if (store !== 'sqlite') return
    putBack(directory, 'kept')
    stage.ledger.entries.splice(entries)
  }
  return {
    async injections(where) {
      again()
      await process.start(counting(directory, where))
      await play(stage, () => process.isGone)
      await process.kill()
      return everyInjection(where, counted(directory, where))
    },
    async run(injection) {
      again()
      const first = stage.ledger.entries.length
      const said = await startThrough(process, injecting(directory, injection))
      const found = sayWhy(injection, said)
      if (said === undefined) {
        await play(stage, () => process.isGone)
        if (!process.isGone) found.push(...(await stillReads(stage, process)))
      }
      const unknown = tell(stage.ledger.entries).some(({ asked, outcome }) => asked >= first && outcome === 'unknown')
      const hit = said !== undefined || process.isGone || unknown
      await process.kill()
      await process.start()
      const now = await observe(stage)
      const violations = await check(stage.ledger.entries, now, before)
      if (store !== 'sqlite') before = now
      await process.kill()
      return { found: [...found, ...violations.map(({ rule, says }) => `${rule}: ${says}`)], hit }
    },
    remove: () => deployment.remove(),
  }
}

/** Whatever became of writing, what is there can be looked at. */
async function stillReads(stage: Stage, process: AuthorityProcess): Promise<string[]> {
  const found: string[] = []
  for (const path of ['/v1/agents', '/jwks', '/revocations?after=0&limit=10&nonce=still-here']) {
    const look = () => stage.send({ method: 'GET', path }).catch(() => undefined)
    // The one call that fails may be that which answers.
    const answer = (await look()) ?? (await look())
    if (answer?.status !== 200 && !process.isGone)
      found.push(`GET ${path} is answered ${answer?.status ?? 'by nobody'}`)
  }
  return found
}

/** A first start, in an empty directory; the one after it finds all that belongs there, or makes it. */
export async function firstStartSite(): Promise<Site> {
  const deployment = await deploy('sqlite')
  const { directory } = deployment
  const [process] = deployment.processes as [AuthorityProcess]
  await process.kill()
  const again = () => {
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true })
  }
  return {
    async injections(where) {
      again()
      await process.start(counting(directory, where))
      await deployment.createOrganization('first')
      await process.kill()
      return everyInjection(where, counted(directory, where))
    },
    async run(injection) {
      again()
      const said = await startThrough(process, injecting(directory, injection))
      const found = sayWhy(injection, said)
      let made = said === undefined && (await deployment.createOrganization('first').catch(() => undefined))
      const hit = !made || process.isGone
      await process.kill()
      await process.start()
      made = await deployment.createOrganization('second').catch((error: Error) => {
        found.push(`whoever holds the first secret cannot use it: ${error.message}`)
        return undefined
      })
      await process.kill()
      return { found: [...found, ...leftovers(directory)], hit }
    },
    remove: () => deployment.remove(),
  }
}

function leftovers(directory: string): string[] {
  const found: string[] = []
  for (const name of readdirSync(directory)) {
    const mode = statSync(join(directory, name)).mode & 0o777
    if (name.endsWith('.trace')) continue
    if (name.endsWith('.new')) found.push(`${name} is left`)
    if (mode !== 0o600) found.push(`${name} has mode ${mode.toString(8)}`)
  }
  return found
}
