import { newId } from '@credence/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { postgresMissing } from '../../../../tests/postgres.ts'
import { type Node, nodes, usual } from '../../test/key_nodes.ts'
import type { Organization } from '../services.ts'
import {
  activeKey,
  checkSealed,
  createSealer,
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
const leadSeconds = usual.signingKeyLeadSeconds

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

test('the key that signs is found among however many that are retired', async () => {
  const { all, organization } = await nodes('sqlite', 1)
  const [node] = all as [Node]
  const [row] = await node.store.of(organization.id).list('signing_keys', { order: { by: 'id' }, limit: 1 })
  if (!row) throw new Error('there is no key')
  const retired = { ...row, state: 'retired' as const, retired_at_ms: Date.now() }
  for (let n = 0; n < 2_100; n += 300) {
    const steps = Array.from({ length: 300 }, () => {
      const id = newId('sgk')
      return { do: 'insert', table: 'signing_keys', row: { ...retired, id }, otherwise: 'conflict' } as const
    })
    await node.store.commit({ organization: organization.id, steps, audit: null })
  }
  expect((await activeKey(node, organization)).kid).toBe(row.id)
  expect(await publicKeys(node, organization)).toHaveLength(2_101)
  expect(await listSigningKeys(node, organization)).toHaveLength(2_101)
})
