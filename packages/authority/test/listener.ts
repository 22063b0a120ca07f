// An enforcement point as far as the feed goes: reads server-sent events, verifies batches, keeps the state of the protocol.

import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { type Batch, FeedState, importPublicKey, newId, verifyBatch } from '@credence/protocol'
import type { PushedBody } from '../src/http/pushed_body.ts'
import type { Lineage } from '../src/store/port.ts'
import type { Rig } from './rig.ts'

export type Listening = {
  point: string
  batches: Batch[]
  state: FeedState
  /** Resolves when `what` holds; checked after each batch, and when the stream ends. */
  until(what: () => boolean, withinMs?: number): Promise<void>
  ended: Promise<'ended' | 'cut'>
  stop(): Promise<void>
}

export type ListenOptions = {
  after?: number
  nonce?: string
  lineage?: Lineage
  maxStalenessMs?: number
  agent?: string
  point?: string
  resource?: string
  tokenEndsAtMs?: number
  isGone?: () => boolean
}

export const audience = 'https://api.example'

/** Reads a body as the other end of a connection that it is sent over. */
export function connect(body: PushedBody) {
  const connection = new PassThrough()
  body.sendTo(connection)
  const reader: ReadableStreamDefaultReader<Uint8Array> = Readable.toWeb(connection).getReader()
  return {
    read: () => reader.read(),
    async hangUp() {
      if (connection.closed) return
      const closed = once(connection, 'close')
      connection.destroy()
      await closed
    },
  }
}

export async function listen(rig: Rig, options: ListenOptions = {}): Promise<Listening> {
  const {
    after = 0,
    nonce = 'nonce-nonce',
    lineage = [],
    maxStalenessMs = 10_000,
    agent = 'agt_operator',
    point,
    tokenEndsAtMs = Date.now() + 300_000,
    isGone = () => false,
  } = options
  const resource = options.resource ?? 'rsc_1'
  const sentAtMonotonicMs = performance.now()
  const events = await rig.feed.open(rig.organization, {
    resource: { id: resource, audience, maxStalenessMs, whenStale: 'refuse', harmlessScopes: [] },
    agent,
    lineage,
    tokenEndsAtMs,
    isGone,
    after,
    nonce,
    point,
  })
  const publicKey = await importPublicKey(rig.key.publicJwk, rig.key.kid)
  const { issuer } = rig.organization
  const state = new FeedState({ issuer, organization: rig.organization.id, resource: audience })
  const batches: Batch[] = []
  const waiting = new Set<() => void>()
  const reader = connect(events)
  const listening: Listening = {
    point: '',
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
    ended: read(),
    stop: reader.hangUp,
  }
  return listening

  async function read(): Promise<'ended' | 'cut'> {
    let rest = ''
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return 'ended'
        rest += new TextDecoder().decode(value)
        const events = rest.split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) await take(Object.fromEntries(event.split('\n').map((line) => line.split(': ', 2))))
        wake()
      }
    } catch {
      return 'cut'
    } finally {
      wake()
    }
  }

  async function take({ event, data }: Record<string, string>): Promise<void> {
    if (event === 'point') listening.point = data ?? newId('ept')
    if (event !== 'batch') return
    const batch = await verifyBatch(data ?? '', { issuer, keys: () => publicKey })
    if (batch.nonce === nonce) state.calibrate({ sentAtMonotonicMs, nonce, batch })
    state.receive(batch, performance.now())
    batches.push(batch)
  }

  function wake(): void {
    for (const go of waiting) go()
    waiting.clear()
  }
}
