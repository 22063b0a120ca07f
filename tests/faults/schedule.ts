// Everything that can go wrong here, in one list, and a draw from it. A plan is a function of its seed and nothing else.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { PostgresServer } from '../postgres.ts'
import { Chance } from './chance.ts'
import type { DatabaseProxy } from './database_proxy.ts'
import type { AuthorityProcess, Deployment } from './deployment.ts'
import { type Fault, passingFault } from './rounds.ts'

/** What there is to break. On SQLite there is no database of its own. */
export type Open = { deployment: Deployment; database?: { server: PostgresServer; proxy: DatabaseProxy } }

export type Happening = {
  name: string
  on: 'SQLite' | 'PostgreSQL' | 'both'
  /** Of one kind only one happens at a time. */
  kind: 'process' | 'database' | 'network'
  /** Goes wrong, and is over when this returns. */
  run(open: Open, chance: Chance): Promise<void>
}

const inDatabase = (run: (database: NonNullable<Open['database']>, chance: Chance) => Promise<void>) => {
  return async ({ database }: Open, chance: Chance) => {
    if (database) await run(database, chance)
  }
}

/** Add to it what can be made to happen with a running deployment and a load on it. */
export const happenings: readonly Happening[] = [
  {
    name: 'every process is killed (F02)',
    on: 'both',
    kind: 'process',
    async run({ deployment }) {
      await Promise.all(deployment.processes.map((process) => process.kill()))
      for (const process of deployment.processes) await startAgain(process)
    },
  },
  {
    name: 'a process is killed (F02)',
    on: 'both',
    kind: 'process',
    async run({ deployment }, chance) {
      const process = chance.pick(deployment.processes)
      await process.kill()
      await sleep(chance.between(0, 400))
      await startAgain(process)
    },
  },
  {
    name: 'a process stands still',
    on: 'both',
    kind: 'process',
    async run({ deployment }, chance) {
      const { pid } = chance.pick(deployment.processes)
      process.kill(pid, 'SIGSTOP')
      await sleep(chance.between(50, 1_500))
      process.kill(pid, 'SIGCONT')
    },
  },
  {
    name: 'another program holds the file (F03)',
    on: 'SQLite',
    kind: 'database',
    async run({ deployment }, chance) {
      const other = new DatabaseSync(join(deployment.directory, 'credence.db'), { timeout: 5_000 })
      other.exec('begin immediate')
      await sleep(chance.between(50, 2_500))
      other.exec('rollback')
      other.close()
    },
  },
  {
    name: 'the database crashes (F08)',
    on: 'PostgreSQL',
    kind: 'database',
    run: inDatabase(({ server }) => server.crash()),
  },
  {
    name: 'the database is restarted (F08)',
    on: 'PostgreSQL',
    kind: 'database',
    run: inDatabase(({ server }) => server.restart()),
  },
  {
    name: 'the database stands still (F09)',
    on: 'PostgreSQL',
    kind: 'database',
    run: inDatabase(async ({ server }, chance) => {
      server.freeze()
      await sleep(chance.between(50, 3_000))
      server.thaw()
    }),
  },
  {
    name: 'a table is locked (F11)',
    on: 'PostgreSQL',
    kind: 'database',
    run: inDatabase(async ({ server }, chance) => {
      const other = new pg.Client({ connectionString: server.url })
      await other.connect()
      const table = chance.pick(['replay_ids', 'audit_records', 'standing', 'facts', 'heads', 'agents'])
      await other.query(`begin; lock table ${table} in access exclusive mode`)
      await sleep(chance.between(50, 3_000))
      await other.end()
    }),
  },
  {
    name: 'nothing comes through to the database, or from it (F09)',
    on: 'PostgreSQL',
    kind: 'network',
    run: inDatabase(async ({ proxy: { network } }, chance) => {
      const lanes = chance.pick([[network.up], [network.down], [network.up, network.down]])
      for (const lane of lanes) lane.held = true
      await sleep(chance.between(50, 3_000))
      for (const lane of lanes) lane.held = false
    }),
  },
  {
    name: 'connections to the database are cut (F03)',
    on: 'PostgreSQL',
    kind: 'network',
    run: inDatabase(async ({ proxy }, chance) => {
      Object.assign(proxy.cutting, { requests: chance.between(0, 0.03), answers: chance.between(0, 0.2) })
      await sleep(chance.between(100, 1_000))
      Object.assign(proxy.cutting, { requests: 0, answers: 0 })
      proxy.network.cut()
    }),
  },
  {
    name: 'the way to the database is slow',
    on: 'PostgreSQL',
    kind: 'network',
    run: inDatabase(async ({ proxy: { network } }, chance) => {
      network.down.delayMs = chance.between(5, 150)
      await sleep(chance.between(100, 1_500))
      network.down.delayMs = 0
    }),
  },
]

export type Planned = { happening: Happening; afterMs: number; seed: number }

/** What happens in one round, all at about the same time. */
export function planOf(seed: number, round: number, engine: 'SQLite' | 'PostgreSQL'): Planned[] {
  const chance = new Chance(seed + 7_919 * round)
  const possible = happenings.filter(({ on }) => on === 'both' || on === engine)
  const most = 1 + Math.floor(chance.next() * 3)
  const planned = new Map<Happening['kind'], Planned>()
  for (let n = 0; n < most; n++) {
    const happening = chance.pick(possible)
    const drawn = { happening, afterMs: chance.between(0, 400), seed: Math.floor(chance.next() * 2 ** 32) }
    if (!planned.has(happening.kind)) planned.set(happening.kind, drawn)
  }
  return [...planned.values()]
}

/** The plan of each round, in turn. @param said is told of each. */
export function scheduled(seed: number, database: Open['database'], said: (line: string) => void): Fault {
  let round = 0
  return (open) => {
    const { deployment } = open
    const plan = planOf(seed, round, database ? 'PostgreSQL' : 'SQLite')
    said(`${round}: ${plan.map(({ happening }) => happening.name).join('; ')}`)
    round += 1
    const happens = async ({ happening, afterMs, seed }: Planned) => {
      await sleep(afterMs)
      await happening.run({ deployment, ...(database && { database }) }, new Chance(seed))
    }
    return passingFault(async () => void (await Promise.all(plan.map(happens))))(open)
  }
}

/** Its database may be away as well: whoever restarts processes tries again. */
async function startAgain(process: AuthorityProcess): Promise<void> {
  const giveUp = performance.now() + 60_000
  for (;;) {
    try {
      await process.start()
      return
    } catch (error) {
      if (performance.now() > giveUp) throw error
      await sleep(200)
    }
  }
}
