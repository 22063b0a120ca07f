import { newId } from '@credence/protocol'
import { expect, test } from 'vitest'
import { audience, connect, listen } from '../../test/listener.ts'
import { type Rig, startRig } from '../../test/rig.ts'
import { awaitReach, raiseIncarnation, restore, revoke } from './index.ts'
import { renewalMs } from './leases.ts'

async function end(rig: Rig, id = newId('tok'), waitMs = 0) {
  const by = newId('adm')
  const revoked = await revoke(rig, rig.organization, { id, cause: 'test', by })
  return awaitReach(rig, rig.organization, revoked, { waitMs, by })
}

async function leases(rig: Rig) {
  return rig.store.of(rig.organization.id).list('leases', { order: { by: 'point' }, limit: 100 })
}

test('the first batch answers the nonce, tells the lease, and brings what came after the cursor', async () => {
  const rig = await startRig()
  for (let n = 0; n < 3; n++) await end(rig)
  const listening = await listen(rig, { after: 1, nonce: 'my-own-nonce', maxStalenessMs: 7_000 })
  await listening.until(() => listening.batches.length > 0)
  const [first] = listening.batches
  expect(first).toMatchObject({ nonce: 'my-own-nonce', lease_ms: 7_000, resource: audience, after: 1, to: 3, head: 3 })
  expect(first?.facts.map(({ seq }) => seq)).toEqual([2, 3])
  expect(listening.point).toMatch(/^ept_/)
  expect(await leases(rig)).toMatchObject([{ resource: 'rsc_1', staleness_ms: 7_000, acknowledged_seq: 1 }])
})

test('a revocation reaches every listener at once, signed once, and their heartbeats too', async () => {
  const rig = await startRig({ heartbeatMs: 60_000 })
  const listeners = await Promise.all(Array.from({ length: 20 }, () => listen(rig)))
  await Promise.all(listeners.map((one) => one.until(() => one.batches.length > 1)))
  const before = rig.signed()
  const { fact } = await end(rig)
  // The next heartbeat is a minute away: it is not what tells them.
  await Promise.all(listeners.map((one) => one.until(() => one.state.map.deadBy([[fact.id, 0]]) !== undefined)))
  expect(rig.signed() - before).toBe(1)
  expect(listeners.every((one) => one.state.cursor === 1)).toBe(true)
})

test('heartbeats keep a listener fresh on its lease, and each was stamped before its head was read', async () => {
  const rig = await startRig({ heartbeatMs: 50, pollMs: 10 })
  const listening = await listen(rig, { maxStalenessMs: 500 })
  await listening.until(() => listening.batches.length > 0)
  const first = listening.state.freshUntil()
  await listening.until(() => listening.batches.length > 20)
  expect(listening.state.freshUntil()).toBeGreaterThan(first)
  const beats = listening.batches.slice(1)
  expect(beats.every(({ after, to, head, facts }) => after === to && to === head && facts.length === 0)).toBe(true)
  expect(beats.every(({ lease_ms, nonce }) => lease_ms === undefined && nonce === undefined)).toBe(true)
})

test('no heartbeat is signed while the head cannot be read, and the lease is not prolonged', async () => {
  let broken = false
  let failed = 0
  const fail = () => {
    failed += 1
    return Promise.reject(new Error('gone'))
  }
  const rig = await startRig({ heartbeatMs: 30, pollMs: 10 }, (store) => ({
    ...store,
    of: (organization) => {
      const reads = store.of(organization)
      return { ...reads, head: () => (broken ? fail() : reads.head()) }
    },
  }))
  const listening = await listen(rig, { maxStalenessMs: 200 })
  await listening.until(() => listening.batches.length > 3)
  broken = true
  await expect.poll(() => failed).toBeGreaterThan(0)
  const heard = rig.signed()
  await listening.until(() => listening.batches.length === heard)
  const until = listening.state.freshUntil()
  await expect.poll(() => failed).toBeGreaterThan(10)
  expect([rig.signed(), listening.batches.length, listening.state.freshUntil()]).toEqual([heard, heard, until])
  expect(rig.complaints).toEqual(['the feed could not be read'])
  broken = false
  await listening.until(() => listening.batches.length > heard)
})

test('whoever starts from nothing gets everything, without gaps, while more is made', async () => {
  const rig = await startRig()
  const ids: string[] = []
  const make = async (count: number) => {
    for (let n = 0; n < count; n += 50) {
      const some = Array.from({ length: 50 }, () => newId('tok'))
      ids.push(...some)
      await Promise.all(some.map((id) => end(rig, id)))
    }
  }
  await make(1_200)
  const making = make(300)
  const listeners = await Promise.all([listen(rig), listen(rig, { after: 700 }), listen(rig, { after: 1_200 })])
  await making
  await Promise.all(listeners.map((one) => one.until(() => one.batches.at(-1)?.to === ids.length, 20_000)))
  expect(ids.every((id) => listeners[0]?.state.map.deadBy([[id, 0]]) !== undefined)).toBe(true)
  for (const { batches } of listeners) {
    const heads = batches.map(({ head }) => head)
    expect(heads).toEqual([...heads].sort((a, b) => a - b))
    for (const [index, { after }] of batches.slice(1).entries())
      expect(after).toBeLessThanOrEqual(batches[index]?.to ?? 0)
  }
}, 60_000)

test('a stream ends with the authority it was opened on', async () => {
  const rig = await startRig()
  const agent = newId('agt')
  const token = newId('tok')
  const own = await listen(rig, {
    lineage: [
      [agent, 0],
      [token, 0],
    ],
  })
  const other = await listen(rig, { lineage: [[newId('agt'), 0]] })
  await Promise.all([own, other].map((one) => one.until(() => one.batches.length > 0)))
  await end(rig, agent)
  expect(await own.ended).toBe('ended')
  expect(own.state.map.deadBy([[agent, 0]])).toBe(agent)
  await other.until(() => other.state.cursor === 1)
  await restore(rig, rig.organization, { id: agent, by: newId('adm') })
  const again = await listen(rig, { lineage: [[agent, 1]] })
  await again.until(() => again.batches.length > 1)
  // Opened with a token from before: what it rests on ended long ago.
  const late = await listen(rig, { after: 1, lineage: [[agent, 0]] })
  expect(await late.ended).toBe('ended')
})

test('a reader that is too slow is cut off, and the others notice nothing', async () => {
  const rig = await startRig({ heartbeatMs: 5, pollMs: 5, maxBufferedBytes: 16 * 1024 })
  const open = (agent: string) => rig.feed.open(rig.organization, { ...subscriber, agent })
  const subscriber = {
    resource: { id: 'rsc_1', audience, maxStalenessMs: 1_000, whenStale: 'refuse' as const, harmlessScopes: [] },
    lineage: [],
    tokenEndsAtMs: Date.now() + 300_000,
    isGone: () => false,
    after: 0,
  }
  const slow = connect(await open('agt_slow'))
  const good = connect(await open('agt_good'))
  while (rig.feed.streams > 1) expect((await good.read()).done).toBe(false)
  for (let n = 0; n < 5; n++) expect((await good.read()).done).toBe(false)
  const readAll = async () => {
    while (!(await slow.read()).done);
  }
  await expect(readAll()).rejects.toThrow()
})

test('who gave up waiting for a stream, and has opened another meanwhile, does not lose that to the first one', async () => {
  const point = newId('ept')
  const rig = await startRig({ heartbeatMs: 20, pollMs: 10 })
  const second = await listen(rig, { point })
  await expect(listen(rig, { point, isGone: () => true })).rejects.toMatchObject({ code: 'overloaded' })
  // It is gone only once its lease is being written: it comes too late as well.
  let asked = 0
  await expect(listen(rig, { point, agent: 'agt_late', isGone: () => asked++ > 0 })).rejects.toMatchObject({
    code: 'overloaded',
  })
  const before = second.batches.length
  await second.until(() => second.batches.length > before + 2)
  expect(rig.feed.streams).toBe(1)
  expect(await leases(rig)).toMatchObject([{ point: expect.stringContaining('agt_late') }, {}])
})

test('more streams than there is room for are refused', async () => {
  const rig = await startRig({ maxStreams: 2 })
  const first = await listen(rig)
  await listen(rig)
  await expect(listen(rig)).rejects.toMatchObject({ code: 'overloaded' })
  await first.stop()
  await listen(rig)
})

test('streams end at their age, and at the stop, and a lease then runs from there', async () => {
  const rig = await startRig({ maxAgeMs: 100, heartbeatMs: 20, pollMs: 10 })
  const old = await listen(rig, { maxStalenessMs: 3_000 })
  expect(await old.ended).toBe('ended')
  const other = await listen(rig)
  await rig.feed.close()
  expect(await other.ended).toBe('ended')
  // Dated back: what is left of it began to run when the stream ended, not at a renewal that is still to come.
  for (const lease of await leases(rig)) expect(lease.seen_at_ms + renewalMs).toBeLessThanOrEqual(Date.now())
  await expect(listen(rig)).rejects.toMatchObject({ code: 'overloaded' })
})

test('a new stream of the same point keeps its lease when the old one ends', async () => {
  const rig = await startRig({ pollMs: 10 })
  const point = newId('ept')
  const old = await listen(rig, { point })
  rig.setClockAhead(1_000)
  const openedAtMs = rig.clock.nowMs()
  await listen(rig, { point })
  await old.stop()
  // The end of one that came and went later is written, so that of the old one would be too.
  const later = await listen(rig, { agent: 'agt_later' })
  await later.stop()
  const seenAtMs = async (agent: string) =>
    (await leases(rig)).find((lease) => lease.point.startsWith(agent))?.seen_at_ms
  await expect.poll(() => seenAtMs('agt_later')).toBeLessThan(openedAtMs)
  expect(await seenAtMs('agt_operator')).toBeGreaterThanOrEqual(openedAtMs)
})

test('a raised incarnation makes listeners read again from the start, and forget nothing', async () => {
  const rig = await startRig({ heartbeatMs: 20, pollMs: 10 })
  const { fact } = await end(rig)
  const listening = await listen(rig)
  await listening.until(() => listening.state.cursor === 1)
  expect(await raiseIncarnation(rig, rig.organization)).toBe(2)
  await listening.until(() => listening.state.incarnation === 2)
  expect(listening.state.cursor).toBe(0)
  expect(listening.state.map.deadBy([[fact.id, 0]])).toBe(fact.id)
})

test('a revocation that waits answers when all have acknowledged', async () => {
  const rig = await startRig()
  const [one, two] = await Promise.all([listen(rig), listen(rig, { maxStalenessMs: 4_000 })])
  await Promise.all([one, two].map((each) => each.until(() => each.batches.length > 0)))
  const acknowledge = (point: string, seq: number) =>
    rig.feed.acknowledge(rig.organization, { resource: 'rsc_1', agent: 'agt_operator', point, seq })
  let answered = false
  const waiting = end(rig, newId('dlg'), 10_000).finally(() => {
    answered = true
  })
  await one.until(() => one.state.cursor === 1)
  await acknowledge(one.point, 1)
  await rig.feed.acknowledgements.flush()
  expect(answered).toBe(false)
  await acknowledge(two.point, 1)
  const { acknowledged, committedAtMs, leasesOverByMs, lastTokenExpiredByMs, fresh } = await waiting
  expect(acknowledged).toMatchObject({ points: 2, of: 2, all: true })
  expect(acknowledged.byMs).toBeGreaterThanOrEqual(committedAtMs)
  expect(leasesOverByMs).toBe(committedAtMs + 10_000)
  expect(lastTokenExpiredByMs).toBe(committedAtMs + 900_000)
  expect(fresh).toBe(true)
})

test('one that does not acknowledge is told of, after the time to wait', async () => {
  const rig = await startRig()
  const listening = await listen(rig)
  await listening.until(() => listening.batches.length > 0)
  let answered = false
  const id = newId('tok')
  // As the clock of the authority goes, which is slow here: it stands still but for what really passes.
  const waiting = end(rig, id, 10_000).finally(() => {
    answered = true
  })
  await listening.until(() => listening.state.map.deadBy([[id, 0]]) === id)
  await rig.feed.acknowledgements.flush()
  expect(answered).toBe(false)
  rig.pass(10_000)
  const { acknowledged } = await waiting
  expect(acknowledged).toEqual({ points: 0, of: 1, byMs: null, all: false })
})

test('nobody acknowledges what is yet to come, nor for another agent', async () => {
  const rig = await startRig()
  const listening = await listen(rig)
  await listening.until(() => listening.batches.length > 0)
  const { point } = listening
  const { organization } = rig
  await expect(
    rig.feed.acknowledge(organization, { resource: 'rsc_1', agent: 'agt_operator', point, seq: 1 }),
  ).rejects.toMatchObject({ code: 'validation_failed' })
  await end(rig)
  await rig.feed.acknowledge(organization, { resource: 'rsc_1', agent: 'agt_other', point, seq: 1 })
  await rig.feed.acknowledgements.flush()
  expect(await leases(rig)).toMatchObject([{ acknowledged_seq: 0 }])
  // The only one this agent has here needs no name.
  await rig.feed.acknowledge(organization, { resource: 'rsc_1', agent: 'agt_operator', seq: 1 })
  await rig.feed.acknowledgements.flush()
  expect(await leases(rig)).toMatchObject([{ acknowledged_seq: 1 }])
  await rig.feed.acknowledge(organization, { resource: 'rsc_1', agent: 'agt_operator', point, seq: 0 })
  await rig.feed.acknowledgements.flush()
  expect(await leases(rig)).toMatchObject([{ acknowledged_seq: 1 }])
})

test('a cursor from beyond the head acknowledges nothing', async () => {
  const rig = await startRig()
  await end(rig)
  const listening = await listen(rig, { after: 1_000 })
  await listening.until(() => listening.batches.length > 0)
  expect(listening.batches[0]).toMatchObject({ after: 1, to: 1, head: 1, facts: [] })
  const { acknowledged } = await end(rig)
  expect(acknowledged).toMatchObject({ points: 0, of: 1, all: false })
})

test('what has ended stays ended, and ending it again says so', async () => {
  const rig = await startRig()
  const id = newId('dlg')
  const first = await end(rig, id)
  const second = await end(rig, id)
  expect(second.fresh).toBe(false)
  expect(second.fact).toEqual(first.fact)
  await expect(restore(rig, rig.organization, { id, by: newId('adm') })).rejects.toMatchObject({ code: 'conflict' })
})
