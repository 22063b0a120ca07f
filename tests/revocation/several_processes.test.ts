// Two authorities on one PostgreSQL, each with its own port, pool and memory. They share this process and nothing else.

import { type Authority, createLogger, startAuthority } from '@credence/authority'
import { newId, verifyLog } from '@credence/protocol'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { postgresMissing } from '../postgres.ts'
import { made, openPoint, registerOperator } from './enforcement_point.ts'

let one: TestAuthority
let two: Authority
let twoOrigin: string
let acme: TestOrganization
const missing = postgresMissing()

beforeEach((context) => {
  if (missing) context.skip(missing)
})
beforeAll(async () => {
  if (missing) return
  one = await startTestAuthority({ store: 'postgres', organizations: ['acme'] })
  acme = one.organizations.acme as TestOrganization
  two = await startAuthority(
    { ...one.settings, port: 0, origin: one.origin },
    { log: createLogger('error', { write: () => {} }), place: () => ({ prepare() {}, discard() {}, keep() {} }) },
  )
  twoOrigin = `http://localhost:${two.port}`
})
afterAll(async () => {
  await two?.stop()
  await one?.stop()
})

const endAt = (origin: string, id: string, more: object = {}) =>
  made(call(acme.administratorSecret, 'post', `${origin}/o/acme/v1/revocations`, { id, cause: 'test', ...more }))

test('what ends at one reaches those who listen at the other, and their acknowledgements come back', async () => {
  const atOne = await registerOperator(acme, 'at-one')
  const atTwo = await registerOperator(acme, 'at-two', {}, twoOrigin)
  const points = await Promise.all([openPoint(atOne, { acknowledges: true }), openPoint(atTwo, { acknowledges: true })])
  await Promise.all(points.map((point) => point.until(() => point.batches.length > 0)))
  for (const origin of [one.origin, twoOrigin, one.origin]) {
    const answer = await endAt(origin, newId('tok'), { wait_ms: 5_000 })
    expect(answer.acknowledged).toMatchObject({ points: 2, of: 2, all: true })
    expect(points.map(({ state }) => state.cursor)).toEqual([answer.fact.seq, answer.fact.seq])
  }
  await Promise.all(points.map((point) => point.stop()))
})

test('numbers have no gaps, whoever gives them, and everybody hears all of them', async () => {
  const operator = await registerOperator(acme, 'counting', {}, twoOrigin)
  const point = await openPoint(operator)
  await point.until(() => point.batches.length > 0)
  const before = point.state.cursor
  const ids = Array.from({ length: 60 }, () => newId('tok'))
  const ended = await Promise.all(ids.map((id, index) => endAt(index % 2 === 0 ? one.origin : twoOrigin, id)))
  const seqs = ended.map(({ fact }) => fact.seq as number).sort((a, b) => a - b)
  expect(seqs).toEqual(Array.from({ length: 60 }, (_, index) => before + 1 + index))
  await point.until(() => point.state.cursor === before + 60)
  expect(ids.every((id) => point.state.map.deadBy([[id, 0]]) === id)).toBe(true)
  for (const [index, { after }] of point.batches.slice(1).entries()) {
    expect(after).toBeLessThanOrEqual(point.batches[index]?.to ?? 0)
  }
  await point.stop()
})

test('both give records their places, and the log is one', async () => {
  await Promise.all(
    Array.from({ length: 40 }, (_, index) => endAt(index % 2 === 0 ? one.origin : twoOrigin, newId('tok'))),
  )
  const [head, other] = await Promise.all(
    [one.origin, twoOrigin].map((origin) =>
      made(call(acme.administratorSecret, 'get', `${origin}/o/acme/v1/audit/head`)),
    ),
  )
  expect(other.root).toBe(head.root)
  const records: Array<{ position: number; leaf: string }> = []
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page = await made(acme.api('get', `/v1/audit/records?after=${after}&limit=500`))
    for (const { position, leaf_bytes } of page.records) records.push({ position, leaf: leaf_bytes })
    after = page.next_after
  }
  expect(records).toHaveLength(head.size)
  await verifyLog(records, { ...head, iss: acme.issuer, org: acme.id })
})
