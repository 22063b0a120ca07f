// How fast the store is: `node --conditions=@credence/source bench/store.ts [sqlite|postgres] [seconds]`. STORE_URL: an
// empty PostgreSQL database; without it, a server is started for the run.
//
// Each of 64 callers commits, again and again, what issuing a token commits: a lineage check of eight ids, one replay id, one audit record
// of 700 bytes. Then reads by primary key.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../packages/authority/src/store/index.ts'
import { openPostgres } from '../packages/authority/src/store/postgres/index.ts'
import { openSqlite } from '../packages/authority/src/store/sqlite/index.ts'
import { type PostgresServer, startPostgres } from '../tests/postgres.ts'

const engine = process.argv[2] ?? 'sqlite'
const seconds = Number(process.argv[3] ?? 5)
const organization = 'org_0123456789abcdefghijkl'
const callers = Number(process.env.STORE_CALLERS ?? 64)

const directory = mkdtempSync(join(tmpdir(), 'credence-bench-'))
let server: PostgresServer | undefined
const store = await open()
const lineage = Array.from({ length: 8 }, (_, index) => [`agt_0123456789abcdefghij${index}0`, 0] as const)
let next = 0

await issue(1)
const issued = await issue(seconds)
console.log(
  `${engine}: ${Math.round(issued.count / issued.seconds)} commands/s, ${callers} callers; ${issued.latency}; ${issued.each} µs of this process's CPU each`,
)
for (const together of [1, callers]) {
  const read = await readByKey(together)
  console.log(`${engine}: get by primary key, ${together} at once: ${read.toFixed(1)} µs each`)
}
await store.close()
await server?.stop()
rmSync(directory, { recursive: true })

async function open(): Promise<Store> {
  if (engine === 'sqlite') return openSqlite({ file: join(directory, 'store') })
  if (!process.env.STORE_URL) server = await startPostgres()
  return openPostgres({ url: process.env.STORE_URL ?? server?.url ?? '' })
}

async function issue(forSeconds: number) {
  const started = performance.now()
  const cpuBefore = process.cpuUsage()
  const latencies: number[] = []
  const caller = async () => {
    while (performance.now() - started < forSeconds * 1_000) {
      const began = performance.now()
      await issueOnce()
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const cpu = process.cpuUsage(cpuBefore)
  latencies.sort((a, b) => a - b)
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? Number.NaN).toFixed(1)
  const latency = `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(0.999999)} ms`
  const each = Math.round((cpu.user + cpu.system) / latencies.length)
  return { each, count: latencies.length, seconds: (performance.now() - started) / 1_000, latency }
}

async function issueOnce(): Promise<void> {
  next += 1
  const unique = `${Math.random().toString(36).slice(2).padEnd(11, '0')}${next}`
  const outcome = await store.commit({
    organization,
    steps: [
      { do: 'alive', lineage, otherwise: 'revoked' },
      {
        do: 'insert',
        table: 'replay_ids',
        row: { kind: 'assertion', id: unique, expires_at: 2_000_000_000 },
        otherwise: 'assertion_replayed',
      },
    ],
    audit: {
      id: `aud_${unique}`,
      atMs: Date.now(),
      leaf: new Uint8Array(700),
      leafHash: new Uint8Array(32),
      values: [],
    },
  })
  if (!outcome.done) throw new Error(outcome.refused)
}

async function readByKey(together: number): Promise<number> {
  const id = 'psn_0123456789abcdefghijkl'
  const row = { id, name: 'Ada', permissions: '[]', created_at_ms: 1 }
  await store.commit({ organization, steps: [{ do: 'put', table: 'people', row }], audit: null })
  const reads = store.of(organization)
  const rounds = Math.ceil((engine === 'sqlite' ? 100_000 : 20_000) / together)
  const started = performance.now()
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: together }, () => reads.get('people', { id })))
  }
  return ((performance.now() - started) * 1_000) / (rounds * together)
}
