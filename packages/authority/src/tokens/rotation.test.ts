import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '@credence/protocol'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, postgresMissing } from '../../../../tests/postgres.ts'
import { newOrganization } from '../../test/rig.ts'
import { RefusalCounter } from '../audit/index.ts'
import { FeedHub } from '../revocation/index.ts'
import type { Organization, Services } from '../services.ts'
import { steadyClock } from '../steady_clock.ts'
import type { Store } from '../store/port.ts'
import { openPostgres } from '../store/postgres/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import { silentTelemetry } from '../telemetry/index.ts'
import {
  activeKey,
  checkSealed,
  createSealer,
  firstSigningKeySteps,
  forgetKeyStates,
  jwks,
  listSigningKeys,
  newSigningKey,
  newWrappingKey,
  parseWrappingKeys,
  revokeSigningKey,
} from './index.ts'
import { rotateOne } from './rotation.ts'
import { publicKeys } from './signing_keys.ts'

const day = 86_400_000
const leadSeconds = 900

type Node = Services & { setAheadMs(ms: number): void }

/** Several nodes on one store, as far as signing keys go. Each has a cache of its own. */
async function nodes(
  driver: 'sqlite' | 'postgres',
  count: number,
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
  const all = Array.from({ length: count }, () => nodeOn(shared, sealer))
  const first = all[0] as Node
  const steps = await firstSigningKeySteps(first, organization)
  await shared.commit({ organization: organization.id, steps, audit: null })
  return { all, organization }
}

function nodeOn(shared: Store, sealer: Services['sealer']): Node {
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
  const config = { signingKeyLifetimeSeconds: 30 * 86_400, signingKeyLeadSeconds: leadSeconds }
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

const states = async (node: Node, organization: Organization) =>
  (await listSigningKeys(node, organization)).map(({ state }) => state).sort()

/** Everything due at this moment, on every node at once. */
async function rotateAll(all: readonly Node[], organization: Organization, aheadMs: number): Promise<void> {
  for (const node of all) node.setAheadMs(aheadMs)
  await Promise.all(all.map((node) => rotateOne(node, organization)))
}

describe.each(['sqlite', 'postgres'] as const)('signing keys on %s', (driver) => {
  beforeEach((context) => {
    const missing = driver === 'postgres' ? postgresMissing() : undefined
    if (missing) context.skip(missing)
  })

  test('rotate by themselves, one step at a time, and never sign before they are shown long enough', async () => {
    const { all, organization } = await nodes(driver, 1)
    const [node] = all as [Node]
    const first = await activeKey(node, organization)
    await rotateAll(all, organization, 29 * day)
    expect(await states(node, organization)).toEqual(['active'])
    await rotateAll(all, organization, 30 * day)
    expect(await states(node, organization)).toEqual(['active', 'prepared'])
    expect((await jwks(node, organization)).keys).toHaveLength(1)
    await rotateAll(all, organization, 30 * day)
    expect(await states(node, organization)).toEqual(['active', 'published'])
    await rotateAll(all, organization, 30 * day + (leadSeconds - 1) * 1000)
    expect((await activeKey(node, organization)).kid).toBe(first.kid)
    expect((await jwks(node, organization)).keys).toHaveLength(2)
    await rotateAll(all, organization, 30 * day + (leadSeconds + 10) * 1000)
    expect(await states(node, organization)).toEqual(['active', 'retired'])
    expect((await activeKey(node, organization)).kid).not.toBe(first.kid)
    // What the first one signed can live for 90 days more.
    expect((await publicKeys(node, organization)).map(({ kid }) => kid)).toContain(first.kid)
    node.setAheadMs(122 * day)
    forgetKeyStates(node, organization)
    expect((await publicKeys(node, organization)).map(({ kid }) => kid)).not.toContain(first.kid)
  })

  test('several nodes rotating at once make exactly one new key', async () => {
    const { all, organization } = await nodes(driver, 4)
    const [node] = all as [Node]
    for (const at of [30 * day, 30 * day + 1, 30 * day + (leadSeconds + 10) * 1000]) {
      await rotateAll(all, organization, at)
    }
    expect(await states(node, organization)).toEqual(['active', 'retired'])
    const signing = await Promise.all(all.map(async (one) => (await activeKey(one, organization)).kid))
    expect(new Set(signing).size).toBe(1)
    for (const one of all) {
      const shown = (await jwks(one, organization)).keys.map(({ kid }) => kid)
      expect(shown).toContain(signing[0])
    }
  })

  test('a revoked key leaves the set, and exactly one successor signs, whoever revokes', async () => {
    const { all, organization } = await nodes(driver, 3)
    const [node] = all as [Node]
    const { kid } = await activeKey(node, organization)
    const by = newId('adm')
    const revoking = all.map((one) => revokeSigningKey(one, organization, { kid, cause: 'compromised', by }))
    const outcomes = await Promise.allSettled(revoking)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await states(node, organization)).toEqual(['active', 'revoked'])
    expect((await activeKey(node, organization)).kid).not.toBe(kid)
    expect((await publicKeys(node, organization)).map((key) => key.kid)).not.toContain(kid)
  })

  test('a key asked for by hand is published at once, and only one is ever on its way', async () => {
    const { all, organization } = await nodes(driver, 2)
    const [node] = all as [Node]
    const asked = await Promise.allSettled(all.map((one) => newSigningKey(one, organization, newId('adm'))))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await states(node, organization)).toEqual(['active', 'published'])
  })
})

test('a start finds a wrong or missing wrapping key out', async () => {
  const { all, organization } = await nodes('sqlite', 1)
  const [node] = all as [Node]
  const row = {
    handle: 'acme',
    issuer: organization.issuer,
    trust_domain: organization.trustDomain,
    display_name: 'Acme',
    signing_algorithm: 'ES256',
    created_at_ms: 0,
    suspended_at_ms: null,
  }
  const steps = [{ do: 'insert', table: 'organizations', row, otherwise: 'conflict' }] as const
  await node.store.commit({ organization: organization.id, steps, audit: null })
  await checkSealed(node)
  const missing = { ...node, sealer: await createSealer(parseWrappingKeys(newWrappingKey('k2'))) }
  await expect(checkSealed(missing)).rejects.toMatchObject({ code: 'wrapping_key_missing' })
  const wrong = { ...node, sealer: await createSealer(parseWrappingKeys(newWrappingKey('k1'))) }
  await expect(checkSealed(wrong)).rejects.toMatchObject({ code: 'wrapping_key_wrong' })
})

test('a signing key cannot be read out of the process', async () => {
  const { all, organization } = await nodes('sqlite', 1)
  const key = await activeKey(all[0] as Node, organization)
  expect(JSON.stringify(key)).not.toMatch(/"d"/)
  expect(Object.values(key).some((member) => member instanceof CryptoKey)).toBe(false)
})
