// An enforcement point over HTTP, made of the protocol's own state machine: what it hears, it verifies.

import {
  type Batch,
  FeedState,
  importPublicKey,
  type JsonObject,
  newId,
  type PublicKey,
  verifyBatch,
} from '@credence/protocol'
import { type Agent, AgentKey, createAgent } from '@credence/sdk'
import type { TestOrganization } from '../authority.ts'

/** An agent with its own key, able to call. `at`: the origin of the process that it reaches, where that is not the issuer's. */
export async function registerAgent(acme: TestOrganization, handle: string, more: object = {}, at?: string) {
  const owner = (await made(acme.api('post', '/v1/people', { name: 'Ada' }))).id
  const key = await AgentKey.generate()
  const registered = await made(acme.api('post', '/v1/agents', { handle, owner, purpose: 'A test.', ...more }))
  const credential = await made(
    acme.api('post', `/v1/agents/${handle}/credentials`, { kind: 'public_key', jwk: key.publicJwk }),
  )
  const agent = createAgent({
    issuer: acme.issuer,
    clientId: registered.client_id,
    key,
    ...(at && { fetch: through(at) }),
  })
  return { id: registered.id as string, credential: credential.id as string, agent, key, owner: owner as string }
}

function through(origin: string): typeof fetch {
  return (input, init) => {
    const { pathname, search } = new URL(String(input))
    return fetch(`${origin}${pathname}${search}`, init)
  }
}

/** A resource and the agent that operates it. */
export async function registerOperator(acme: TestOrganization, name: string, more: object = {}, at?: string) {
  const operator = await registerAgent(acme, name, {}, at)
  const audience = `https://${name}.example/`
  await made(acme.api('post', '/v1/resources', { audience, name, scopes: ['repo:*'], operator: operator.id, ...more }))
  return { ...operator, audience }
}

export async function made(calling: Promise<{ status: number; body: JsonObject }>) {
  const { status, body } = await calling
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of an answer is what it tests.
  return body as any
}

export type Point = {
  point: string
  batches: Batch[]
  /** Milliseconds of the wall clock at which each came. */
  state: FeedState
  until(what: () => boolean, withinMs?: number): Promise<void>
  ended: Promise<void>
  acknowledge(seq: number): Promise<number>
  stop(): Promise<void>
}

export type PointOptions = { after?: number; point?: string; nonce?: string; issuer?: string; acknowledges?: boolean }

/** Asks for the authority's own API with the operator's own signed call. */
export function callFeed(agent: Agent, path: string, init: RequestInit = {}): Promise<Response> {
  return agent.fetch(`${agent.issuer}${path}`, { resource: `${agent.issuer}/v1`, scope: 'feed:read', ...init })
}

export async function keysOf(
  issuer: string,
): Promise<(issuer: string, kid: string | undefined) => PublicKey | undefined> {
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: JsonObject[] }
  const known = await Promise.all(keys.map((jwk) => importPublicKey(jwk, jwk.kid as string)))
  return (_issuer, kid) => known.find((key) => key.kid === kid)
}

/** Opens a stream and follows it. With `acknowledges`, it says how far it has come as soon as it has. */
export async function openPoint(
  { agent, audience }: { agent: Agent; audience: string },
  options: PointOptions = {},
): Promise<Point> {
  const { after = 0, nonce = 'a-nonce-of-mine', acknowledges = false } = options
  const point = options.point ?? newId('ept')
  const search = new URLSearchParams({ after: `${after}`, resource: audience, nonce, point })
  await agent.token({ resource: `${agent.issuer}/v1`, scope: 'feed:read' })
  const stopping = new AbortController()
  const open = () => callFeed(agent, `/revocations/stream?${search}`, { signal: stopping.signal })
  let sentAtMonotonicMs = performance.now()
  let response = await open()
  if (response.status === 401) {
    // The token it had has ended; by now the agent has forgotten it.
    sentAtMonotonicMs = performance.now()
    response = await open()
  }
  if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`)
  const keys = await keysOf(agent.issuer)
  const state = new FeedState({ issuer: agent.issuer, resource: audience })
  const batches: Batch[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const go of waiting) go()
    waiting.clear()
  }

  async function acknowledge(seq: number): Promise<number> {
    const body = JSON.stringify({ resource: audience, seq, point })
    const headers = { 'content-type': 'application/json' }
    const answer = await callFeed(agent, '/revocations/acknowledgements', { method: 'POST', headers, body })
    await answer.body?.cancel()
    return answer.status
  }

  async function take(event: string): Promise<void> {
    const lines = Object.fromEntries(event.split('\n').map((line) => line.split(': ', 2)))
    if (lines.event !== 'batch') return
    const batch = await verifyBatch(lines.data ?? '', { issuer: agent.issuer, keys })
    if (batch.nonce === nonce) state.calibrate({ sentAtMonotonicMs, nonce, batch })
    state.receive(batch, performance.now())
    batches.push(batch)
    if (acknowledges && batch.facts.length > 0) void acknowledge(batch.to)
  }

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    try {
      for await (const chunk of body) {
        rest += decoder.decode(chunk, { stream: true })
        const events = rest.split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) await take(event)
        wake()
      }
    } catch (error) {
      if (!stopping.signal.aborted) throw error
    } finally {
      wake()
    }
  }

  const ended = read(response.body)
  ended.catch(() => {})
  return {
    point,
    batches,
    state,
    async until(what, withinMs = 20_000) {
      const deadline = performance.now() + withinMs
      while (!what()) {
        const leftMs = deadline - performance.now()
        if (leftMs <= 0) throw new Error(`it did not come to that; last batch: ${JSON.stringify(batches.at(-1))}`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs)
          waiting.add(() => {
            clearTimeout(timer)
            resolve()
          })
        })
      }
    },
    ended,
    acknowledge,
    async stop() {
      stopping.abort()
      await ended.catch(() => {})
    },
  }
}
