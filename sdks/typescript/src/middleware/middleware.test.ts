import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateSigningKey, type SigningKey } from '@credence/protocol'
import { serve } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { boundCall, target } from '../../test/calls.ts'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock } from '../../test/manual_clock.ts'
import { permittedOf, protect as protectExpress } from '../express.ts'
import { protect as protectHono } from '../hono.ts'
import { protect as protectNode } from '../node.ts'
import { createVerifier, type Expected, type Verifier } from '../verify.ts'

let clock: ManualClock
let issuer: FakeIssuer
let holder: SigningKey
let verifier: Verifier
let close: () => void = () => {}

beforeAll(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
  holder = await generateSigningKey('ES256')
  verifier = createVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator: await issuer.operator() }],
    tools: { transfer: 'ledger:write' },
    ...issuer.runtime,
  })
  await verifier.ready()
  await clock.advance(7_000)
  await issuer.heartbeat()
})
afterAll(() => verifier.stop())
afterEach(() => close())

const needs = (asked: { headers: unknown }): Expected => {
  const headers =
    asked.headers instanceof Headers ? asked.headers : new Headers(asked.headers as Record<string, string>)
  const tool = headers.get('x-tool')
  // Anything but JSON throws here, as it does where a route reads a body.
  const stated = headers.get('x-arguments')
  if (stated !== null) return { scope: 'ledger:read', arguments: JSON.parse(stated) }
  return tool === null ? { scope: 'ledger:read' } : { tool }
}

/** Each server answers with who called, and what the body said: the middleware must not have touched it. */
const servers: Record<string, () => Promise<string>> = {
  async 'node:http'() {
    return listen(
      protectNode(verifier, needs, async (incoming, response, call) => {
        const chunks: Uint8Array[] = []
        for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
        response.end(`${call.agent} ${Buffer.concat(chunks)}`)
      }),
    )
  },
  async express() {
    const router = express.Router()
    router.use(protectExpress(verifier, needs))
    router.post('/entries', express.text({ type: '*/*' }), (incoming, response) => {
      response.send(`${permittedOf(incoming).agent} ${incoming.body}`)
    })
    return listen(express().use('/ledger', router))
  },
  async hono() {
    const app = new Hono()
    app.post(
      '/ledger/entries',
      protectHono(verifier, (c) => needs(c.req.raw)),
      async (c) => c.text(`${c.var.credence.agent} ${await c.req.text()}`),
    )
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    close = () => server.close()
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ledger/entries`
  },
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () => server.close()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ledger/entries`
}

describe.each(Object.keys(servers))('%s', (name) => {
  const open = () => servers[name]?.() ?? Promise.reject(new Error(name))
  const headers = async (more: Record<string, string> = {}) => {
    const token = await issuer.token(await issuer.boundTo(holder))
    return {
      ...Object.fromEntries((await boundCall(token, holder, clock, { method: 'POST', url: target })).headers),
      ...more,
    }
  }

  test('a good call reaches its handler with its body whole', async () => {
    const url = await open()
    const response = await fetch(url, { method: 'POST', body: 'the body', headers: await headers() })
    expect([response.status, await response.text()]).toEqual([200, 'spiffe://acme.example/agent/payer the body'])
  })

  test('a call without a token gets the challenge, and its handler never runs', async () => {
    const url = await open()
    const response = await fetch(url, { method: 'POST', body: 'x' })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('DPoP')
    expect(await response.json()).toMatchObject({ code: 'token_missing' })
  })

  test('what the route needs is read from the request', async () => {
    const url = await open()
    const response = await fetch(url, { method: 'POST', body: 'x', headers: await headers({ 'x-tool': 'transfer' }) })
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'tool_not_granted' }])
  })

  test('what cannot be read is 401 for a stranger, and 400 for a known caller; neither reaches the handler', async () => {
    const url = await open()
    const call = async (given: Record<string, string>) => {
      const response = await fetch(url, { method: 'POST', body: 'x', headers: given })
      const text = await response.text()
      return [response.status, text.startsWith('{') ? JSON.parse(text).code : text]
    }
    for (const stated of ['{', '', '[]', 'null', '7']) {
      expect(await call({ 'x-arguments': stated })).toEqual([401, 'token_missing'])
      expect(await call(await headers({ 'x-arguments': stated }))).toEqual([400, 'malformed'])
    }
    const good = await headers({ 'x-arguments': '{"amount":1}' })
    expect(await call(good)).toEqual([200, 'spiffe://acme.example/agent/payer x'])
    expect(await call(good)).toEqual([401, 'proof_replayed'])
  })

  test('two Authorization or DPoP lines are refused, though Node would show the first only', async () => {
    const url = await open()
    for (const doubled of ['authorization', 'dpop'] as const) {
      const given = await headers()
      const lines = Object.entries(given).flat()
      const status = await raw(url, [...lines, doubled, given[doubled] ?? ''])
      expect(status).toBe(401)
    }
  })
})

function raw(url: string, lines: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(url)
    const call = request(url, { method: 'POST', headers: [...lines, 'Host', host] as never }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    call.on('error', reject)
    call.end()
  })
}

test('in Hono a body can be read for what the route needs, and again by its handler', async () => {
  const app = new Hono()
  const protection = protectHono(verifier, async (c) => ({ scope: 'ledger:read', arguments: await c.req.json() }))
  app.post('/ledger/entries', protection, async (c) => c.json(await c.req.json()))
  const call = async (body: string | null, stranger = false) => {
    const token = await issuer.token(await issuer.boundTo(holder))
    const { headers } = await boundCall(token, holder, clock, { method: 'POST', url: target })
    return (await app.request(target, { method: 'POST', body, ...(!stranger && { headers }) })).status
  }
  expect([await call('{', true), await call(null, true), await call('{"amount":1}', true)]).toEqual([401, 401, 401])
  expect([await call('{'), await call(null), await call('{"amount":1}')]).toEqual([400, 400, 200])
})

test('a handler behind no middleware cannot ask who calls', () => {
  expect(() => permittedOf({})).toThrow()
})
