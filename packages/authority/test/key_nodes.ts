// Several nodes of one authority, as far as signing keys go.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freshDatabase } from '../../../tests/postgres.ts'
import { RefusalCounter } from '../src/audit/index.ts'
import { FeedHub } from '../src/revocation/index.ts'
import type { Organization, Services } from '../src/services.ts'
import { steadyClock } from '../src/steady_clock.ts'
import type { Store } from '../src/store/port.ts'
import { openPostgres } from '../src/store/postgres/index.ts'
import { openSqlite } from '../src/store/sqlite/index.ts'
import { silentTelemetry } from '../src/telemetry/index.ts'
import { createSealer, firstSigningKeySteps, newWrappingKey, parseWrappingKeys } from '../src/tokens/index.ts'
import { newOrganization } from './rig.ts'

/** Seconds. */
export const usual = { signingKeyLifetimeSeconds: 30 * 86_400, signingKeyLeadSeconds: 900 }

export type Node = Services & { setAheadMs(ms: number): void }

/** Several nodes on one store, as far as signing keys go. Each has a cache of its own. */
export async function nodes(
  driver: 'sqlite' | 'postgres',
  count: number,
  config = usual,
): Promise<{ all: Node[]; organization: Organization }> {
  const directory = mkdtempSync(join(tmpdir(), 'credence-keys-'))
  const shared = await (driver === 'sqlite'
    ? openSqlite({ file: join(directory, 'credence.db') })
    : openPostgres({ url: await freshDatabase() }))
  onTestFinished(async () => {
    await shared.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const sealer = await createSealer(parseWrappingKeys(newWrappingKey()))
  const organization = newOrganization()
  const all = Array.from({ length: count }, () => nodeOn(shared, sealer, config))
  const first = all[0] as Node
  const steps = await firstSigningKeySteps(first, organization)
  await shared.commit({ organization: organization.id, steps, audit: null })
  return { all, organization }
}

function nodeOn(shared: Store, sealer: Services['sealer'], config: typeof usual): Node {
  let ahead = 0
  const store: Store = {
    commit: (command) => shared.commit(command),
    of: (organization) => shared.of(organization),
    global: shared.global,
    onCommit: (listener) => shared.onCommit(listener),
    onHint: (listener) => shared.onHint(listener),
    sweep: (now) => shared.sweep(now),
    ping: () => shared.ping(),
    close: () => shared.close(),
  }
  const clock = steadyClock({ nowMs: () => Date.now() + ahead, monotonicMs: () => performance.now() + ahead })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const parts = { store, clock, log, sealer, config, telemetry: silentTelemetry }
  const refusals = new RefusalCounter({ store, clock, log })
  // Nobody listens.
  const feed = new FeedHub({ store, clock, log, sign: async () => '', operators: async () => () => false })
  const setAheadMs = (ms: number) => {
    ahead = ms
  }
  // Few settings are needed.
  return { ...parts, refusals, feed, setAheadMs } as unknown as Node
}
