// Whoever sends much, slowly, or to no end holds nothing that others need: the kill switch least of all.

import { connect, type Socket } from 'node:net'
import { newId } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { callFeed, made, openPoint, registerAgent, registerOperator } from '../revocation/enforcement_point.ts'
import { Line } from './raw.ts'

let authority: TestAuthority
let acme: TestOrganization
let evil: TestOrganization
let operator: Awaited<ReturnType<typeof registerOperator>>

beforeAll(async () => {
  authority = await startTestAuthority({
    organizations: ['acme', 'evil'],
    settings: { concurrentRequests: 64, pointsPerResource: 20, failuresPerMinute: 30 },
    // Slow, so that whoever waits goes on waiting, however long the others take to be answered.
    clock: { nowMs: Date.now, monotonicMs: () => performance.now() / 10 },
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

  /** Of one address, at once. */
  const most = 64

  /** Begins as many bodies; each answer goes into `answers`. Resolves when all have been sent. */
  async function slowly(count: number, path: string, type: string, heard: (line: string) => void): Promise<Socket[]> {
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 100\r\n\r\n{`
    const sending = Array.from({ length: count }, async () => {
      const socket = connect(authority.settings.port, '127.0.0.1')
      socket.on('error', () => {}).on('data', (data) => heard(data.toString().split('\r\n')[0] ?? ''))
      await new Promise<void>((resolve) => socket.write(head, () => resolve()))
      return socket
    })
    return Promise.all(sending)
  }

  test.each([
    ['/o/acme/revoke', form],
    ['/o/acme/token', form],
    ['/o/acme/v1/revocations', json],
    [`/o/acme/v1/delegations/${newId('dlg')}/revoke`, json],
  ])('at %s hold up neither the kill switch, nor health, nor anybody else', async (path, type) => {
    let cut = 0
    const sockets = await slowly(300, path, type, () => {
      cut += 1
    })
    try {
      await expect.poll(() => cut).toBeGreaterThanOrEqual(300 - most)
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
    const answers: string[] = []
    const path = '/o/acme/token'
    const sockets = await slowly(most, path, form, (line) => answers.push(`early ${line}`))
    // Connections are taken in their order: when this one is answered, those before it are under way.
    await call(undefined, 'get', `${authority.origin}/healthz`)
    sockets.push(...(await slowly(36, path, form, (line) => answers.push(`late ${line}`))))
    await Promise.all(sockets.map((socket) => socket.closed || new Promise((resolve) => socket.on('close', resolve))))
    const timedOut = (count: number, when: string) =>
      Array.from({ length: count }, () => `${when} HTTP/1.1 408 Request Timeout`)
    expect(answers.slice(0, 36)).toEqual(timedOut(36, 'early'))
    expect(answers.toSorted()).toEqual([...timedOut(most, 'early'), ...timedOut(36, 'late')])
  })
})

describe('connections that are opened and left', () => {
  // More than there may be bodies on their way from one address.
  const most = 80
  const whole = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const large = 'GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const left: Record<string, (line: Line) => unknown> = {
    'without a word': () => {},
    'in the middle of a line': (line) => line.write('GET /healthz HT'),
    'in the middle of the headers': (line) => line.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: '),
    'in the middle of a body': (line) =>
      line.write('POST /o/acme/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n'.concat(`${form}\r\n\r\na`)),
    'after an answer': (line) => line.write(whole),
    'with answers that are not read': (line) => {
      line.socket.pause()
      return line.write(large.repeat(4))
    },
  }
  const form = 'Content-Type: application/x-www-form-urlencoded'

  test.each(Object.entries(left))('%s keep nobody out', async (_how, leave) => {
    const own = await startTestAuthority({ organizations: ['acme'], settings: { connections: most } })
    const lines: Line[] = []
    let attacking = true
    let connected = 0
    // Whoever is closed comes back soon.
    const open = () => {
      if (!attacking) return
      const line = new Line(own.settings.port)
      lines.push(line)
      line.socket.once('connect', () => {
        connected += 1
        void leave(line)
      })
      line.socket.once('close', () => setTimeout(open, 200))
    }
    try {
      for (let n = 0; n < most + 50; n += 1) open()
      await expect.poll(() => connected).toBeGreaterThanOrEqual(most + 50)
      const victim = own.organizations.acme as TestOrganization
      for (let n = 0; n < 2; n += 1) {
        const fresh = { headers: { connection: 'close' } }
        for (const path of ['/healthz', '/readyz', '/o/acme/jwks']) {
          expect((await fetch(`${own.origin}${path}`, fresh)).status).toBe(200)
        }
        const killed = await victim.api('post', '/v1/revocations', { id: newId('tok'), cause: 'compromised' })
        expect(killed.status).toBe(200)
      }
    } finally {
      attacking = false
      for (const { socket } of lines) socket.destroy()
      await own.stop()
    }
  })

  test('do not close one that is worked on', async () => {
    const own = await startTestAuthority({ organizations: ['acme'], settings: { connections: 30 } })
    const worked = await registerOperator(own.organizations.acme as TestOrganization, 'op')
    const point = await openPoint(worked)
    await point.until(() => point.batches.length > 0)
    const lines = Array.from({ length: 100 }, () => new Line(own.settings.port))
    await expect.poll(() => lines.filter(({ socket }) => socket.closed).length).toBeGreaterThanOrEqual(60)
    const heard = point.batches.length
    await point.until(() => point.batches.length > heard + 1)
    for (const { socket } of lines) socket.destroy()
    await point.stop()
    await own.stop()
  })
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
  for (let n = 0; n < 12; n += 1) {
    const chain = await operator.agent.delegate({ to, resources: [operator.audience], scope: 'repo:read' })
    ids.push((await made(post('/v1/delegations', { statements: [chain] }))).id)
  }
  // An enforcement point that will never acknowledge.
  const deaf = await openPoint(operator)
  const waiting: Array<ReturnType<typeof post>> = []
  let answered = 0
  for (const id of ids) {
    const asked = post(`/v1/delegations/${id}/revoke`, { wait_ms: 10_000 }).finally(() => {
      answered += 1
    })
    waiting.push(asked)
    // It has a place in its room until it has ended what it ends; the next comes after.
    await deaf.until(() => deaf.state.map.deadBy([[id, 0]]) === id)
  }
  // As many as may wait do, which are more than may be in the room. Whoever comes then is answered what is known.
  await expect.poll(() => answered).toBe(ids.length - 8)
  expect((await kill()).status).toBe(200)
  // Again: known already, and not waited for.
  const again = await post(`/v1/delegations/${ids[0]}/revoke`, { wait_ms: 10_000 })
  expect(again.body).toMatchObject({ already_ended: true, acknowledged: { all: false } })
  expect(answered).toBe(ids.length - 8)
  expect(await deaf.acknowledge(deaf.state.cursor)).toBe(204)
  const answers = await Promise.all(waiting)
  expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200))
  expect(answers.filter(({ body }) => body.acknowledged.all)).toHaveLength(8)
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
    expect(opened.length).toBeGreaterThan(0)
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
    const small = await startTestAuthority({ organizations: ['acme'], settings: { streamsPerOrganization: 20 } })
    const { issuer } = small.organizations.acme as TestOrganization
    const other = await registerOperator(small.organizations.acme as TestOrganization, 'hasty')
    const path = `/revocations/stream?resource=${encodeURIComponent(other.audience)}`
    await other.agent.token({ resource: `${issuer}/v1`, scope: 'feed:read' })
    // More than half of what it may have is open at once, four times over.
    for (let round = 0; round < 4; round += 1) {
      const stopping = new AbortController()
      const asked = Array.from({ length: 15 }, () =>
        callFeed(other.agent, path, { signal: stopping.signal }).catch(() => {}),
      )
      setTimeout(() => stopping.abort(), round * 5)
      await Promise.all(asked)
    }
    // Kept, since what is forgotten is closed.
    const open: Response[] = []
    while (open.length < 20) {
      const answer = await callFeed(other.agent, path)
      if (answer.status === 200) open.push(answer)
      else expect([answer.status, await answer.json()]).toMatchObject([429, { code: 'quota_exceeded' }])
    }
    expect((await callFeed(other.agent, path)).status).toBe(429)
    await Promise.all(open.map(({ body }) => body?.cancel()))
    await small.stop()
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
