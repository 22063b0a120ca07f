import { newId, verifyBatch } from '@credence/protocol'
import { AgentKey } from '@credence/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { callFeed, keysOf, made, openPoint, registerAgent, registerOperator } from './enforcement_point.ts'

let authority: TestAuthority
let acme: TestOrganization
let globex: TestOrganization
let operator: Awaited<ReturnType<typeof registerOperator>>

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'globex'], settings: { heartbeatMs: 250 } })
  acme = authority.organizations.acme as TestOrganization
  globex = authority.organizations.globex as TestOrganization
  operator = await registerOperator(acme, 'api', { max_staleness_ms: 5_000 })
})
afterAll(() => authority.stop())

const end = (id: string, more: object = {}) => made(acme.api('post', '/v1/revocations', { id, cause: 'test', ...more }))

async function readBatch(path: string) {
  const response = await callFeed(operator.agent, path)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/jwt')
  const batch = await verifyBatch(await response.text(), { issuer: acme.issuer, keys: await keysOf(acme.issuer) })
  return { batch, cache: response.headers.get('cache-control') }
}

test('the feed is told to whoever listens, and heartbeats between', async () => {
  const before = performance.now()
  const point = await openPoint(operator)
  await point.until(() => point.batches.length > 0)
  expect(point.batches[0]).toMatchObject({ nonce: 'a-nonce-of-mine', lease_ms: 5_000, resource: operator.audience })
  expect(point.state.freshUntil()).toBeGreaterThan(before)
  const id = newId('tok')
  await end(id)
  await point.until(() => point.state.map.deadBy([[id, 0]]) === id)
  const heard = point.batches.length
  await point.until(() => point.batches.length >= heard + 3)
  const beats = point.batches.slice(heard)
  expect(beats.every(({ after, head, facts }) => after === head && facts.length === 0)).toBe(true)
  const stamps = beats.map(({ at_ms }) => at_ms)
  expect(stamps).toEqual(stamps.toSorted((a, b) => a - b))
  await point.stop()
})

test('a page with a nonce is an answer to it and never cached; full aligned ranges never change', async () => {
  const { batch, cache } = await readBatch('/revocations?after=0&nonce=abcdefgh')
  expect(batch).toMatchObject({ nonce: 'abcdefgh', after: 0, to: batch.head })
  expect(batch.lease_ms).toBeUndefined()
  expect(cache).toBe('no-store')
  expect((await readBatch('/revocations?after=0')).cache).toBe('private, max-age=1')
  const leased = await readBatch(
    `/revocations?after=0&nonce=abcdefgh&resource=${encodeURIComponent(operator.audience)}`,
  )
  expect(leased.batch).toMatchObject({ nonce: 'abcdefgh', lease_ms: 5_000, resource: operator.audience })
  expect(leased.cache).toBe('no-store')

  for (let left = 256 - batch.head; left > 0; left -= 32) {
    await Promise.all(Array.from({ length: Math.min(32, left) }, () => end(newId('tok'))))
  }
  const aligned = await readBatch('/revocations?after=0&limit=256')
  expect(aligned.cache).toContain('immutable')
  expect(aligned.batch).toMatchObject({ after: 0, to: 256 })
  expect(aligned.batch.facts.map(({ seq }) => seq)).toEqual(Array.from({ length: 256 }, (_, index) => index + 1))
  expect((await readBatch('/revocations?after=256&limit=256')).cache).toBe('private, max-age=1')
  expect((await readBatch('/revocations?after=3&limit=256')).cache).toBe('private, max-age=1')
})

test('whoever does not operate the resource does not listen for it', async () => {
  const stream = `/revocations/stream?resource=${encodeURIComponent(operator.audience)}`
  // Operates nothing, so it gets no token for the feed at all.
  const stranger = await registerAgent(acme, 'stranger')
  await expect(callFeed(stranger.agent, stream)).rejects.toThrow()
  const other = await registerOperator(acme, 'other')
  const refused = await callFeed(other.agent, stream)
  expect([refused.status, (await refused.json()).code]).toEqual([403, 'forbidden'])
  // An administrator holds no lease.
  expect((await acme.api('get', stream)).body.code).toBe('forbidden')
  expect((await acme.api('get', '/revocations')).status).toBe(200)
  const nowhere = await callFeed(operator.agent, '/revocations/stream?resource=https://no.example/')
  expect((await nowhere.json()).code).toBe('forbidden')
})

test('what holds when the lease is over is granted with it, and changes with the resource', async () => {
  const reader = await registerOperator(acme, 'reads', {
    max_staleness_ms: 1_000,
    when_stale: 'harmless_reads',
    harmless_scopes: ['repo:read'],
  })
  const page = async () => {
    const path = `/revocations?after=0&nonce=abcdefgh&resource=${encodeURIComponent(reader.audience)}`
    const response = await callFeed(reader.agent, path)
    return verifyBatch(await response.text(), { issuer: acme.issuer, keys: await keysOf(acme.issuer) })
  }
  expect(await page()).toMatchObject({ when_stale: 'harmless_reads', harmless_scopes: ['repo:read'] })
  const point = await openPoint(reader)
  await point.until(() => point.batches.length > 1)
  expect(point.state.staleTerms).toEqual({ whenStale: 'harmless_reads', harmlessScopes: ['repo:read'] })
  expect(point.batches[1]?.when_stale).toBeUndefined()
  await point.stop()
  const { items } = await made(acme.api('get', `/v1/resources?audience=${encodeURIComponent(reader.audience)}`))
  await made(acme.api('patch', `/v1/resources/${items[0].id}`, { when_stale: 'introspect' }))
  const changed = await page()
  expect([changed.when_stale, changed.harmless_scopes]).toEqual(['introspect', undefined])
})

test('an operator reads what is on record of its own resource, and nothing of another’s', async () => {
  const one = await registerOperator(acme, 'one', { tools: [{ name: 'look', scope: 'repo:read' }], kind: 'mcp' })
  const two = await registerOperator(acme, 'two')
  const ids = async (agent: typeof one.agent, query = '') =>
    (
      await made(
        callFeed(agent, `/v1/resources${query}`).then(async (answer) => ({
          status: answer.status,
          body: await answer.json(),
        })),
      )
    ).items
  const [own, ...more] = await ids(one.agent)
  expect(more).toEqual([])
  expect(own).toMatchObject({
    audience: one.audience,
    proof_mode: 'optional',
    tools: [{ name: 'look', scope: 'repo:read' }],
  })
  expect(await ids(one.agent, `?audience=${encodeURIComponent(one.audience)}`)).toEqual([own])
  expect(await ids(one.agent, `?audience=${encodeURIComponent(two.audience)}`)).toEqual([])
  expect((await callFeed(one.agent, `/v1/resources/${own.id}`)).status).toBe(200)
  expect((await callFeed(two.agent, `/v1/resources/${own.id}`)).status).toBe(404)
  expect((await callFeed(two.agent, `/v1/resources?operator=${one.id}`)).status).toBe(403)
  // It changes nothing: only administrators do.
  const init = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"proof_mode":"required"}' }
  expect((await callFeed(one.agent, `/v1/resources/${own.id}`, init)).status).toBe(401)
  const other = { resource: `${acme.issuer}/v1`, scope: 'delegations:write' }
  expect((await one.agent.fetch(`${acme.issuer}/v1/resources`, other)).status).toBe(403)
})

test('another organization hears nothing of it', async () => {
  const foreign = await registerOperator(globex, 'api')
  const token = await foreign.agent.token({ resource: `${globex.issuer}/v1`, scope: 'feed:read' })
  expect(token).toBeDefined()
  // Its own signed call, sent to the other issuer.
  const crossed = await foreign.agent
    .fetch(`${acme.issuer}/revocations`, { resource: `${globex.issuer}/v1`, scope: 'feed:read' })
    .catch((error: unknown) => error)
  if (crossed instanceof Response) expect(crossed.status).toBe(401)
  expect((await globex.api('get', `/revocations`)).body).not.toContain(acme.id)
  expect(
    (await fetch(`${acme.issuer}/revocations`, { headers: { authorization: `Bearer ${globex.administratorSecret}` } }))
      .status,
  ).toBe(401)
  const point = await openPoint(foreign)
  await point.until(() => point.batches.length > 0)
  expect(point.batches[0]).toMatchObject({ org: globex.id, head: 0 })
  await end(newId('tok'))
  await point.until(() => point.batches.length > 2)
  expect(point.state.map.size).toBe(0)
  await point.stop()
})

test('a revocation that waits says when everybody knew, when leases are over, and when the last token has expired', async () => {
  const second = await registerOperator(acme, 'second', { max_staleness_ms: 20_000 })
  const [one, two] = await Promise.all([
    openPoint(operator, { acknowledges: true }),
    openPoint(second, { acknowledges: true }),
  ])
  await Promise.all([one, two].map((point) => point.until(() => point.batches.length > 0)))
  // Earlier streams of this file may still hold a lease.
  const before = Date.now()
  const answer = await end(newId('dlg'), { wait_ms: 10_000 })
  expect(answer.acknowledged).toMatchObject({ all: true })
  expect(answer.acknowledged.of).toBeGreaterThanOrEqual(2)
  expect(answer.acknowledged.points).toBe(answer.acknowledged.of)
  expect(answer.acknowledged.by_ms).toBeGreaterThanOrEqual(before)
  expect(answer.leases_over_by_ms).toBe(answer.committed_at_ms + 20_000)
  expect(answer.last_token_expired_by_ms).toBe(answer.committed_at_ms + 900_000)

  // Whatever ends through an endpoint of its own is answered alike.
  const { id, credential, owner } = await registerAgent(acme, 'leaver')
  const jwk = (await AgentKey.generate()).publicJwk
  const key = (await made(acme.api('post', `/v1/people/${owner}/keys`, { jwk }))).id
  for (const path of [`/v1/agents/${id}/credentials/${credential}`, `/v1/people/${owner}/keys/${key}`]) {
    const ended = await made(acme.api('delete', `${path}?cause=left&wait_ms=10000`))
    expect(ended).toMatchObject({ id: path.split('/').at(-1), cause: 'left', acknowledged: { all: true } })
    expect(ended.acknowledged.points).toBe(answer.acknowledged.of)
    expect(Object.keys(ended).sort()).toEqual(Object.keys(answer).sort())
  }
  await Promise.all([one.stop(), two.stop()])
})

test('nobody acknowledges what is yet to come', async () => {
  const point = await openPoint(operator)
  await point.until(() => point.batches.length > 0)
  const head = point.batches[0]?.head ?? 0
  expect(await point.acknowledge(head)).toBe(204)
  expect(await point.acknowledge(head + 1)).toBe(422)
  await point.stop()
})

test('a stream ends when the agent that opened it is suspended, and its token opens no other', async () => {
  const doomed = await registerOperator(acme, 'doomed')
  const point = await openPoint(doomed)
  await point.until(() => point.batches.length > 0)
  await made(acme.api('post', '/v1/agents/doomed/suspend', { cause: 'compromised' }))
  await point.ended
  expect(point.state.map.deadBy([[doomed.id, 0]])).toBe(doomed.id)
  await expect(openPoint(doomed)).rejects.toThrow()
  await made(acme.api('post', '/v1/revocations/restore', { id: doomed.id }))
  const again = await openPoint(doomed)
  await again.until(() => again.batches.length > 0)
  await again.stop()
})

test('a restart keeps every end, and ends the streams', async () => {
  const point = await openPoint(operator)
  await point.until(() => point.batches.length > 0)
  const id = newId('dlg')
  const { fact } = await end(id)
  await authority.restart()
  await point.ended
  const again = await openPoint(operator, { after: fact.seq - 1 })
  await again.until(() => again.batches.length > 0)
  expect(again.batches[0]?.facts).toMatchObject([{ id, seq: fact.seq, epoch: 1 }])
  expect(again.batches[0]?.incarnation).toBe(point.batches[0]?.incarnation)
  expect((await end(id)).already_ended).toBe(true)
  await again.stop()
})
