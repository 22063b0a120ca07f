// A store that lost what it had acknowledged (F10): two stores in step, then one that goes on alone, then the other in its place.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '@credence/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../../test/listener.ts'
import { type Rig, startRig } from '../../test/rig.ts'
import type { Services } from '../services.ts'
import type { Store } from '../store/port.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import { issuing } from './end.ts'
import { checkMayIssueAgain, isIssuing, raiseIncarnation, recoverIfBehind, restore, revoke } from './index.ts'

const quick = { heartbeatMs: 20, pollMs: 10 }

async function startWithReplica(settings = quick) {
  const directory = mkdtempSync(join(tmpdir(), 'credence-replica-'))
  const replica = await openSqlite({ file: join(directory, 'credence.db') })
  let [follows, current] = [true, undefined as Store | undefined]
  const rig = await startRig(settings, (primary) => {
    current = primary
    return {
      ...primary,
      commit: async (command) => {
        if (current === replica) return replica.commit(command)
        const outcome = await primary.commit(command)
        if (follows) await replica.commit(command)
        return outcome
      },
      of: (organization) => (current as Store).of(organization),
    }
  })
  onTestFinished(async () => {
    await replica.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const head = () => rig.store.of(rig.organization.id).head()
  return {
    rig,
    head,
    lag: () => {
      follows = false
    },
    failOver: () => {
      current = replica
    },
  }
}

const end = (rig: Rig, id = newId('agt')) =>
  revoke(rig, rig.organization, { id, cause: 'test', by: newId('adm') }).then(({ fact }) => fact)

test('whoever listens keeps what was lost, hears what comes, and nothing is issued', async () => {
  const { rig, head, lag, failOver } = await startWithReplica()
  await end(rig)
  const listening = await listen(rig)
  lag()
  const lost = [await end(rig), await end(rig)]
  await listening.until(() => listening.state.cursor === 3)
  failOver()
  await expect.poll(() => isIssuing(rig, rig.organization)).toBe(false)
  expect(await head()).toEqual({ seq: 2, incarnation: 2 })
  await listening.until(() => listening.state.incarnation === 2)
  for (const { id } of lost) expect(listening.state.map.deadBy([[id, 0]])).toBe(id)
  // Numbers that were given out before mean other things now, and are heard nevertheless.
  const after = [await end(rig), await end(rig)]
  expect(after.map(({ seq }) => seq)).toEqual([3, 4])
  const late = await listen(rig, { after: 3, point: newId('ept') })
  await late.until(() => late.state.map.deadBy([[after[1]?.id ?? '', 0]]) !== undefined)
  expect(rig.complaints.filter((one) => one.includes('lost commits'))).toHaveLength(1)
})

test('what this process committed itself is enough, when nobody listens', async () => {
  const { rig, head, lag, failOver } = await startWithReplica()
  await end(rig)
  await rig.feed.lookBack()
  lag()
  await end(rig)
  await rig.feed.lookBack()
  expect(await isIssuing(rig, rig.organization)).toBe(true)
  failOver()
  await rig.feed.lookBack()
  await rig.feed.lookBack()
  expect(await isIssuing(rig, rig.organization)).toBe(false)
  expect(await head()).toEqual({ seq: 2, incarnation: 2 })
})

test('a witness of a place that the store has reached, or has left behind with its incarnation, changes nothing', async () => {
  const rig = await startRig()
  const { feed, organization } = rig
  for (let n = 0; n < 3; n++) await end(rig)
  expect(await feed.witness(organization, { incarnation: 1, seq: 3 })).toBe(false)
  expect(await raiseIncarnation(rig, organization)).toBe(2)
  expect(await feed.witness(organization, { incarnation: 1, seq: 99 })).toBe(false)
  expect(await isIssuing(rig, organization)).toBe(true)
})

test.for([
  { known: { incarnation: 1, seq: 9 }, raised: 2 },
  { known: { incarnation: 4, seq: 0 }, raised: 5 },
])('a witness of $known raises past it, once, whoever else says so', async ({ known, raised }) => {
  const rig = await startRig()
  await end(rig)
  const told = await Promise.all([1, 2, 3].map(() => recoverIfBehind(rig, rig.organization, known)))
  expect(told).toContain(true)
  expect(await rig.store.of(rig.organization.id).head()).toEqual({ seq: 2, incarnation: raised })
  expect(await isIssuing(rig, rig.organization)).toBe(false)
  await restore(rig, rig.organization, { id: issuing, by: newId('adm') })
  expect(await recoverIfBehind(rig, rig.organization, known)).toBe(false)
  expect(await isIssuing(rig, rig.organization)).toBe(true)
})

test('issuing is not restored while something used up in what was lost could be used again', async () => {
  const rig = await startRig()
  const services = { ...rig, config: { clockToleranceSeconds: 5 } as Services['config'] }
  await checkMayIssueAgain(services, rig.organization)
  await recoverIfBehind(rig, rig.organization, { incarnation: 1, seq: 1 })
  const tooEarly = expect.objectContaining({ code: 'conflict' })
  await expect(checkMayIssueAgain(services, rig.organization)).rejects.toEqual(tooEarly)
  rig.setClockAhead(300_000)
  await expect(checkMayIssueAgain(services, rig.organization)).rejects.toEqual(tooEarly)
  rig.setClockAhead(306_000)
  await checkMayIssueAgain(services, rig.organization)
})
