import { newId } from '@credence/protocol'
import { expect, test } from 'vitest'
import { listen } from '../../test/listener.ts'
import { newOrganization, startRig } from '../../test/rig.ts'
import { awaitReach, revoke } from './index.ts'
import { renewalMs } from './leases.ts'
import { Shares } from './shares.ts'

const quota = { code: 'quota_exceeded' }

test('one organization does not take all streams, nor one agent at a resource', async () => {
  const rig = await startRig({ maxOrganizationStreams: 3, maxPoints: 2 })
  const first = await listen(rig)
  await listen(rig)
  await expect(listen(rig)).rejects.toMatchObject(quota)
  await listen(rig, { resource: 'rsc_2' })
  await expect(listen(rig, { resource: 'rsc_3' })).rejects.toMatchObject(quota)
  await listen({ ...rig, organization: newOrganization() })
  await first.stop()
  await listen(rig, { resource: 'rsc_3' })
})

test('a new stream of a point ends the former, and goes on with its lease', async () => {
  const rig = await startRig({ maxPoints: 1, pollMs: 10 })
  const point = newId('ept')
  const former = await listen(rig, { point })
  rig.setClockAhead(1_000)
  const openedAtMs = rig.clock.nowMs()
  const newer = await listen(rig, { point })
  expect(await former.ended).toBe('ended')
  await newer.until(() => newer.batches.length > 1)
  expect(rig.feed.streams).toBe(1)
  // The end of one that came and went later is written, so that of the former would be too.
  await (await listen(rig, { point, agent: 'agt_later' })).stop()
  const leases = () => rig.store.of(rig.organization.id).list('leases', { order: { by: 'point' }, limit: 9 })
  await expect.poll(async () => (await leases())[0]?.seen_at_ms).toBeLessThan(openedAtMs)
  const [later, lease, ...others] = await leases()
  expect([later?.point.startsWith('agt_later'), others]).toEqual([true, []])
  expect(lease?.seen_at_ms).toBeGreaterThanOrEqual(openedAtMs)
  // Another agent's point of the same name is another.
  await listen(rig, { point, agent: 'agt_other' })
  expect(rig.feed.streams).toBe(2)
})

test('made-up points end at their number, and those that have run out make room', async () => {
  const rig = await startRig({ maxPoints: 3 })
  const points = Array.from({ length: 3 }, () => newId('ept'))
  const page = (point: string, agent = 'agt_operator') =>
    rig.feed.page(
      rig.organization,
      {
        resource: {
          id: 'rsc_1',
          audience: 'https://api.example',
          maxStalenessMs: 1_000,
          whenStale: 'refuse',
          harmlessScopes: [],
        },
        agent,
        point,
        lineage: [],
        tokenEndsAtMs: 0,
        isGone: () => false,
        after: 0,
      },
      10,
    )
  for (const point of points) await page(point)
  await expect(page(newId('ept'))).rejects.toMatchObject(quota)
  await expect(listen(rig)).rejects.toMatchObject(quota)
  for (const point of points) await page(point)
  await page(newId('ept'), 'agt_other')
  rig.setClockAhead(renewalMs + 60_000)
  await page(newId('ept'))
  expect(await rig.store.of(rig.organization.id).count('leases', {})).toBe(1)
})

test('a stream ends a while after the token that opened it', async () => {
  const hour = 3_600_000
  const rig = await startRig({ afterTokenMs: 10 * hour, maxAgeMs: 1_000 * hour, heartbeatMs: 20, pollMs: 10 })
  const short = await listen(rig, { tokenEndsAtMs: Date.now() + 5 * hour })
  const long = await listen(rig, { tokenEndsAtMs: Date.now() + 50 * hour })
  // Spread over the last fifth of the while after it.
  rig.pass(12 * hour)
  const heard = short.batches.length
  await short.until(() => short.batches.length > heard + 2)
  rig.pass(4 * hour)
  expect(await short.ended).toBe('ended')
  const before = long.batches.length
  await long.until(() => long.batches.length > before + 2)
})

test('a stream ends with the key that signed its token', async () => {
  const rig = await startRig()
  const kid = newId('sgk')
  const own = await listen(rig, { lineage: [[kid, 0]] })
  await own.until(() => own.batches.length > 0)
  await revoke(rig, rig.organization, { id: kid, cause: 'test', by: newId('adm') })
  expect(await own.ended).toBe('ended')
})

test('a stream ends when its agent operates the resource no more', async () => {
  let operator = 'agt_operator'
  let asked = 0
  const rig = await startRig({ heartbeatMs: 20, pollMs: 10 }, undefined, (_resource, agent) => {
    asked += 1
    return agent === operator
  })
  const own = await listen(rig)
  await expect.poll(() => asked).toBeGreaterThan(0)
  expect(rig.feed.streams).toBe(1)
  operator = 'agt_other'
  expect(await own.ended).toBe('ended')
})

test('what had ended before is not waited for, and of one caller a few wait at once', async () => {
  const rig = await startRig()
  const deaf = await listen(rig)
  await deaf.until(() => deaf.batches.length > 0)
  const end = async (id: string, by: string, waitMs = 10_000) => {
    const revoked = await revoke(rig, rig.organization, { id, cause: 'test', by })
    return awaitReach(rig, rig.organization, revoked, { waitMs, by })
  }
  const id = newId('tok')
  await end(id, 'adm_1', 0)
  const again = await end(id, 'adm_1')
  expect([again.fresh, again.acknowledged.all]).toEqual([false, false])

  let answered = 0
  const waiting = Array.from({ length: 8 }, () =>
    end(newId('tok'), 'agt_1').finally(() => {
      answered += 1
    }),
  )
  const allWait = () => {
    const giveBack = rig.feed.waiters.take([[`${rig.organization.id} agt_1`, 8]])
    giveBack?.()
    return giveBack === undefined
  }
  await expect.poll(allWait).toBe(true)
  const ninth = await end(newId('tok'), 'agt_1')
  expect([ninth.fresh, ninth.acknowledged.all, answered]).toEqual([true, false, 0])
  const head = await rig.store.of(rig.organization.id).head()
  await deaf.until(() => deaf.state.cursor === head.seq)
  const { point } = deaf
  const last = end(newId('tok'), 'adm_1')
  await deaf.until(() => deaf.state.cursor === head.seq + 1)
  const told = { resource: 'rsc_1', agent: 'agt_operator', point, seq: head.seq + 1 }
  await rig.feed.acknowledge(rig.organization, told)
  for (const { acknowledged } of await Promise.all([...waiting, last])) expect(acknowledged.all).toBe(true)
})

test('shares are taken together or not at all, and given back once', () => {
  const shares = new Shares()
  const take = (name: string) =>
    shares.take([
      ['all', 3],
      [name, 2],
    ])
  const giveBack = take('a')
  take('a')
  expect(take('a')).toBeUndefined()
  take('b')
  expect(take('b')).toBeUndefined()
  giveBack?.()
  giveBack?.()
  expect(take('a')).toBeDefined()
  expect(take('a')).toBeUndefined()
})
