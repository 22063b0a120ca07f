// Whoever sends much, slowly, or to no end holds nothing that others need: the kill switch least of all.

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { callFeed, made, openPoint, registerAgent, registerOperator } from '../revocation/enforcement_point.ts'

let authority: TestAuthority
let acme: TestOrganization
let evil: TestOrganization
let operator: Awaited<ReturnType<typeof registerOperator>>

beforeAll(async () => {
  authority = await startTestAuthority({
    organizations: ['acme', 'evil'],
    settings: { concurrentRequests: 64, pointsPerResource: 20, failuresPerMinute: 30 },
  })
  acme = authority.organizations.acme as TestOrganization
  evil = authority.organizations.evil as TestOrganization
  operator = await registerOperator(evil, 'op')
})
afterAll(() => authority.stop())

const kill = () => acme.api('post', '/v1/revocations', { id: newId('tok'), cause: 'compromised' })

describe('bodies that never end', () => {
  const form = 'Content-Type: application/x-www-form-urlencoded'
  const json = 'Content-Type: application/json'

  async function slowly(count: number, path: string, type: string): Promise<{ sockets: Socket[]; answers: string[] }> {
    const answers: string[] = []
    const sockets = Array.from({ length: count }, () => {
      const socket = connect(authority.settings.port, '127.0.0.1')
      socket.on('error', () => {}).on('data', (data) => answers.push(data.toString().split('\r\n')[0] ?? ''))
      socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 100\r\n\r\n{`)
      return socket
    })
    await sleep(700)
    return { sockets, answers }
  }

  test.each([
    ['/o/acme/revoke', form],
    ['/o/acme/token', form],
    ['/o/acme/v1/revocations', json],
    [`/o/acme/v1/delegations/${newId('dlg')}/revoke`, json],
  ])('at %s hold up neither the kill switch, nor health, nor anybody else', async (path, type) => {
    const { sockets } = await slowly(300, path, type)
    try {
      expect((await kill()).status).toBe(200)
      for (const health of ['/healthz', '/readyz']) {
        expect((await call(undefined, 'get', `${authority.origin}${health}`)).status).toBe(200)
      }
      expect((await acme.api('get', '/v1/agents')).status).toBe(200)
      const token = await call(undefined, 'post', `${acme.issuer}/token`)
      expect(token.body.error_code).toBe('unsupported_media_type')
      expect((await acme.api('post', '/v1/people', { name: 'Ada' })).status).toBe(201)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })

  test('are cut off, the longest under way first and all of them soon', async () => {
    const { sockets, answers } = await slowly(100, '/o/acme/token', form)
    expect(answers).toEqual(Array.from({ length: 36 }, () => 'HTTP/1.1 408 Request Timeout'))
    await Promise.all(sockets.map((socket) => socket.closed || new Promise((resolve) => socket.on('close', resolve))))
    expect(answers).toHaveLength(100)
  }, 20_000)
})

test('an agent that waits for what it takes back holds up nobody', async () => {
  await registerAgent(evil, 'delegate')
  const own = { capabilities: ['repo:*'], permissions: [{ resource: operator.audience, scope: 'repo:*' }] }
  await made(evil.api('patch', '/v1/agents/op', own))
  const to = `spiffe://${evil.trustDomain}/agent/delegate`
  const post = async (path: string, body: object) => {
    const answer = await operator.agent.fetch(`${evil.issuer}${path}`, {
      resource: `${evil.issuer}/v1`,
      scope: 'delegations:write',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: await answer.json() }
  }
  const ids: string[] = []
  for (let n = 0; n < 24; n += 1) {
    const chain = await operator.agent.delegate({ to, resources: [operator.audience], scope: 'repo:read' })
    ids.push((await made(post('/v1/delegations', { statements: [chain] }))).id)
  }
  // An enforcement point that will never acknowledge.
  const deaf = await openPoint(operator)
  const waiting: Array<ReturnType<typeof post>> = []
  for (const id of ids) {
    waiting.push(post(`/v1/delegations/${id}/revoke`, { wait_ms: 5_000 }))
    await sleep(20)
  }
  const startedAtMs = performance.now()
  expect((await kill()).status).toBe(200)
  expect(performance.now() - startedAtMs).toBeLessThan(2_000)
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(ids.map(() => 200))
  // Again: known at once, however long one would wait.
  const askedAtMs = performance.now()
  const again = await post(`/v1/delegations/${ids[0]}/revoke`, { wait_ms: 10_000 })
  expect(again.body).toMatchObject({ already_ended: true, acknowledged: { all: false } })
  expect(performance.now() - askedAtMs).toBeLessThan(2_000)
  await deaf.stop()
})

describe('streams', () => {
  const stream = (point = newId('ept')) =>
    `/revocations/stream?resource=${encodeURIComponent(operator.audience)}&point=${point}`

  test('are not opened by a HEAD, which nobody holds', async () => {
    for (let n = 0; n < 30; n += 1) {
      const answer = await callFeed(operator.agent, stream(), { method: 'HEAD' })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
    }
    const point = await openPoint(operator)
    await point.until(() => point.batches.length > 0)
    await point.stop()
  })

  test('of one agent at one resource end at their number, and so do points it makes up', async () => {
    const opened: AbortController[] = []
    const codes: string[] = []
    for (let n = 0; n < 25; n += 1) {
      const stopping = new AbortController()
      const answer = await callFeed(operator.agent, stream(), { signal: stopping.signal })
      if (answer.status === 200) opened.push(stopping)
      else codes.push((await answer.json()).code)
    }
    expect(opened.length).toBeLessThanOrEqual(20)
    expect(new Set(codes)).toEqual(new Set(['quota_exceeded']))
    const page = await callFeed(
      operator.agent,
      `/revocations?resource=${encodeURIComponent(operator.audience)}&point=${newId('ept')}`,
    )
    expect([page.status, (await page.json()).code]).toEqual([429, 'quota_exceeded'])
    // Somebody else has all of theirs.
    const other = await registerOperator(acme, 'other')
    const point = await openPoint(other)
    await point.until(() => point.batches.length > 0)
    await point.stop()
    for (const stopping of opened) stopping.abort()
  })

  test('that were asked for and left before they were opened do not stay open', async () => {
    const other = await registerOperator(acme, 'hasty')
    const path = `/revocations/stream?resource=${encodeURIComponent(other.audience)}`
    await other.agent.token({ resource: `${acme.issuer}/v1`, scope: 'feed:read' })
    for (let round = 0; round < 4; round += 1) {
      const stopping = new AbortController()
      const asked = Array.from({ length: 15 }, () =>
        callFeed(other.agent, path, { signal: stopping.signal }).catch(() => {}),
      )
      setTimeout(() => stopping.abort(), round * 5)
      await Promise.all(asked)
      await sleep(100)
    }
    // More than half of what it may have was open at once, four times over.
    const point = await openPoint(other).catch((error: Error) => error.message)
    // Leases of those that were opened still run; streams of theirs do not.
    if (typeof point === 'string') expect(point).toContain('quota_exceeded')
    else await point.stop()
  })
})

test('an address from which many fail is told so, and whoever is known there is let through at once', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 200; n += 1) {
    statuses.push((await call('credence_adm_wrong', 'get', `${acme.issuer}/v1/agents`)).status)
  }
  expect(statuses.slice(0, 25).every((status) => status === 401)).toBe(true)
  expect(statuses.at(-1)).toBe(429)
  expect((await acme.api('get', '/v1/agents')).status).toBe(200)
  // What is not limited is not counted either.
  for (let n = 0; n < 50; n += 1) {
    const answer = await call('credence_adm_wrong', 'post', `${acme.issuer}/v1/revocations`, { id: 'x', cause: 'x' })
    expect(answer.status).toBe(401)
  }
  expect((await kill()).status).toBe(200)
})
