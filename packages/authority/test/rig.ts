// What audit and revocation need, on a real store, without HTTP: an organization, its key, a clock a test can move.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Batch, generateSigningKey, newId, type SigningKey, signBatch } from '@credence/protocol'
import { onTestFinished } from 'vitest'
import { RefusalCounter, record } from '../src/audit/index.ts'
import { FeedHub, type FeedSettings, type Operates } from '../src/revocation/index.ts'
import type { Organization, Services } from '../src/services.ts'
import type { Step, Store } from '../src/store/port.ts'
import { openSqlite } from '../src/store/sqlite/index.ts'

export type Rig = Pick<Services, 'store' | 'clock' | 'log' | 'feed' | 'refusals'> & {
  organization: Organization
  key: SigningKey
  /** What was logged at `warn` or `error`. */
  complaints: string[]
  /** How many batches were signed. */
  signed(): number
  /** Moves the wall clock, not the monotonic one. */
  setClockAhead(ms: number): void
  /** Moves the monotonic clock on, not the wall clock. */
  pass(ms: number): void
  /** One recorded command. */
  record(steps?: readonly Step[], note?: string): Promise<string>
}

export async function startRig(
  settings: Partial<FeedSettings> = {},
  wrap = (store: Store): Store => store,
  operates: Operates = () => true,
): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'credence-rig-'))
  const store = wrap(await openSqlite({ file: join(directory, 'credence.db') }))
  let ahead = 0
  let passed = 0
  let signatures = 0
  const complaints: string[] = []
  const nowMs = () => Date.now() + ahead
  // What these tests set ahead is time that passes.
  const clock = { nowMs, monotonicMs: () => performance.now() + passed, settledMs: nowMs, aheadMs: () => 0 }
  const complain = (_fields: object, message: string) => void complaints.push(message)
  const log = { debug: () => {}, info: () => {}, warn: complain, error: complain }
  const key = await generateSigningKey('ES256', { kid: newId('sgk') })
  const sign = (_organization: Organization, batch: Batch) => {
    signatures += 1
    return signBatch(key, batch)
  }
  const feed = new FeedHub({ store, clock, log, sign, settings, operators: async () => operates })
  const refusals = new RefusalCounter({ store, clock, log })
  const organization = newOrganization()
  onTestFinished(async () => {
    await feed.close()
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    store,
    clock,
    log,
    feed,
    refusals,
    organization,
    key,
    complaints,
    signed: () => signatures,
    setClockAhead: (ms) => {
      ahead = ms
    },
    pass: (ms) => {
      passed += ms
    },
    async record(steps = [], note) {
      const audit = await record({ clock }, organization, { type: 'agent.changed' }, note === undefined ? {} : { note })
      const outcome = await store.commit({ organization: organization.id, steps, audit })
      if (!outcome.done) throw new Error(outcome.refused)
      return audit.id
    },
  }
}

export function newOrganization(): Organization {
  return {
    id: newId('org'),
    handle: 'acme',
    issuer: 'https://credence.example/o/acme',
    trustDomain: 'acme.credence.example',
    displayName: 'Acme',
    signingAlgorithm: 'ES256',
    createdAtMs: 0,
  }
}
