import { setImmediate as immediately } from 'node:timers/promises'
import { base64url, openCommitment, refusals, verifyInclusion, verifyLog } from '@credence/protocol'
import { expect, test } from 'vitest'
import { newOrganization, startRig } from '../../test/rig.ts'
import { proveRecord, readHead, readRecords, sequence, sequenceAll } from './index.ts'

test('records get places in the order in which they became durable, and the head is the root over them', async () => {
  const rig = await startRig()
  const ids: string[] = []
  for (let n = 0; n < 7; n++) ids.push(await rig.record())
  const head = await readHead(rig, rig.organization)
  const { records, next } = await readRecords(rig, rig.organization, { after: -1, limit: 100 })
  expect(records.map(({ leaf }) => leaf.id)).toEqual(ids)
  expect(records.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(next).toBeUndefined()
  expect(head.size).toBe(7)
  await verifyLog(
    records.map(({ position, leafBytes }) => ({ position, leaf: base64url.encode(leafBytes) })),
    head,
  )
})

test('a changed, missing or doubled record does not verify', async () => {
  const rig = await startRig()
  for (let n = 0; n < 3; n++) await rig.record()
  const head = await readHead(rig, rig.organization)
  const { records } = await readRecords(rig, rig.organization, { after: -1, limit: 100 })
  const served = records.map(({ position, leafBytes }) => ({ position, leaf: base64url.encode(leafBytes) }))
  const other = await (async () => {
    const [first, ...rest] = served
    const bytes = base64url.decode(first?.leaf ?? '')
    bytes[10] = (bytes[10] ?? 0) ^ 1
    return [{ position: 0, leaf: base64url.encode(bytes) }, ...rest]
  })()
  const broken = [other, served.slice(1), served.slice(0, 2), [...served.slice(0, 2), ...served.slice(1, 2)]]
  for (const records of broken) await expect(verifyLog(records, head)).rejects.toMatchObject({ code: 'log_mismatch' })
  expect(refusals.log_mismatch.status).toBe(500)
})

test('several sequencers at once leave one gap-free log', async () => {
  const rig = await startRig()
  const writing = (async () => {
    for (let n = 0; n < 40; n++) await Promise.all([rig.record(), rig.record(), rig.record()])
  })()
  let writes = true
  void writing.then(() => {
    writes = false
  })
  const sequencing = Array.from({ length: 4 }, async () => {
    while (writes) {
      await sequence(rig, rig.organization.id)
      await immediately()
    }
  })
  await Promise.all([writing, ...sequencing])
  const head = await readHead(rig, rig.organization)
  const { records } = await readRecords(rig, rig.organization, { after: -1, limit: 500 })
  expect(records.map(({ position }) => position)).toEqual(Array.from({ length: 120 }, (_, position) => position))
  await verifyLog(
    records.map(({ position, leafBytes }) => ({ position, leaf: base64url.encode(leafBytes) })),
    head,
  )
})

test('what a crash left without a place is placed like anything else', async () => {
  const rig = await startRig()
  await rig.record()
  expect(await rig.store.global.organizationsWithUnplaced()).toEqual([rig.organization.id])
  await sequenceAll(rig)
  expect(await rig.store.global.organizationsWithUnplaced()).toEqual([])
})

test('a record is proven to be in the log', async () => {
  const rig = await startRig()
  const ids: string[] = []
  for (let n = 0; n < 11; n++) ids.push(await rig.record())
  for (const id of ids) {
    const { position, leafHash, proof, head } = await proveRecord(rig, rig.organization, id)
    const root = base64url.decode(head.root)
    expect(await verifyInclusion({ index: position, size: head.size, leafHash, proof, root })).toBe(true)
  }
  await expect(proveRecord(rig, newOrganization(), ids[0] ?? '')).rejects.toMatchObject({ code: 'not_found' })
})

test('free text is in the log only as a commitment, and can be opened with what lies beside it', async () => {
  const rig = await startRig()
  await rig.record([], 'Ada Lovelace, 12 St James’s Square')
  const { records } = await readRecords(rig, rig.organization, { after: -1, limit: 1 })
  const [record] = records
  expect(new TextDecoder().decode(record?.leafBytes)).not.toContain('Lovelace')
  const [value] = record?.values ?? []
  expect(value).toMatchObject({ name: 'note', value: 'Ada Lovelace, 12 St James’s Square' })
  const commitment = record?.leaf.commitments?.note ?? ''
  expect(await openCommitment(commitment, 'note', value?.value ?? null, value?.salt ?? new Uint8Array())).toBe(true)
})

test('pages go on where the last one ended, with and without a filter', async () => {
  const rig = await startRig()
  for (let n = 0; n < 9; n++) await rig.record()
  const seen: number[] = []
  let after = -1
  for (;;) {
    const { records, next } = await readRecords(rig, rig.organization, {
      after,
      limit: 4,
      filter: { type: 'agent.changed' },
    })
    seen.push(...records.map(({ position }) => position))
    if (next === undefined) break
    after = next
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  const none = await readRecords(rig, rig.organization, { after: -1, limit: 4, filter: { type: 'token.issued' } })
  expect(none.records).toEqual([])
})

test('refusals before authentication become one record for each cause', async () => {
  const rig = await startRig()
  for (let n = 0; n < 5; n++) rig.refusals.count(rig.organization.id, 'token_missing')
  rig.refusals.count(rig.organization.id, 'client_unknown', 2)
  await rig.refusals.flush()
  await rig.refusals.flush()
  const { records } = await readRecords(rig, rig.organization, { after: -1, limit: 10 })
  expect(records.map(({ leaf: { type, reasons, count } }) => ({ type, reasons, count }))).toEqual([
    { type: 'refusals.counted', reasons: ['token_missing'], count: 5 },
    { type: 'refusals.counted', reasons: ['client_unknown'], count: 2 },
  ])
})

test('counted refusals that cannot be written yet are kept', async () => {
  let broken = true
  const rig = await startRig({}, (store) => ({
    ...store,
    commit: (command) => (broken ? Promise.reject(new Error('disk full')) : store.commit(command)),
  }))
  rig.refusals.count(rig.organization.id, 'token_missing', 3)
  await rig.refusals.flush()
  rig.refusals.count(rig.organization.id, 'token_missing')
  broken = false
  await rig.refusals.flush()
  const { records } = await readRecords(rig, rig.organization, { after: -1, limit: 10 })
  expect(records.map(({ leaf }) => leaf.count)).toEqual([4])
  expect(rig.complaints).toEqual(['counted refusals could not be recorded yet'])
})
