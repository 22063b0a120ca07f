// Many enforcement points as bare sockets, in a process of their own: each opens the revocation stream with a proof of its own, comes
// back as the SDK does when it is lost, and notes when an event came. What follows in a real one, checking the batch and applying it,
// is measured on real ones (`feed_verifiers.ts`).

import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { createDpopProof, newId } from '@credence/protocol'
import { type Agent, AgentKey, createAgent } from '@credence/sdk'
import { pauseMs, silenceMs } from '../sdks/typescript/src/verifier/coming_back.ts'
import { type Asked, now, type Operator, type Said, told } from './feed_process.ts'

const operator = await told<Operator>()
const key = await AgentKey.fromJwk(operator.jwk)
const agent: Agent = createAgent({ issuer: operator.issuer, clientId: operator.clientId, key })
const { hostname, port, host, pathname: base } = new URL(operator.issuer)
const wanted = { resource: `${operator.issuer}/v1`, scope: 'feed:read' }

class Point {
  /** Has got a batch that grants it a lease, over the connection it has now. */
  fresh = false
  seq = 0
  /** When the event that brought it to `seq` came; nanoseconds. */
  arrivedAt = 0n
  readonly #name = newId('ept')
  #isKnown = false
  #heardAt = 0
  #failures = 0
  #socket: Socket | undefined

  start(): void {
    void this.#open().catch(() => this.#socket?.destroy())
  }

  /** As the SDK does: a connection that was silent for too long is taken for dead. */
  look(): void {
    if (this.#socket && performance.now() - this.#heardAt > silenceMs) this.#socket.destroy()
  }

  async #open(): Promise<void> {
    const startedAt = performance.now()
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket = socket
    this.#heardAt = startedAt
    const lost = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    // How its resource is judged is asked at the first time, as a verifier does, and later once the stream is there.
    let isStream = this.#isKnown
    let answer = ''
    let turnSeconds: number | undefined
    socket.on('data', (chunk: Buffer) => {
      this.#heardAt = performance.now()
      if (isStream && this.fresh) return this.#read(chunk)
      answer += chunk.toString('latin1')
      const end = answer.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!answer.startsWith('HTTP/1.1 200')) {
        const said = /retry-after: (\d+)/i.exec(answer)?.[1]
        turnSeconds = said === undefined ? undefined : Number(said)
        return void socket.destroy()
      }
      if (isStream) {
        // The first batch is its own: it brings the nonce back, and the lease.
        if (!answer.includes('event: batch')) return
        this.fresh = true
        this.#read(chunk)
        answer = ''
        changed()
        return
      }
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1])
      if (answer.length < end + 4 + length) return
      answer = ''
      isStream = true
      this.#isKnown = true
      void this.#ask(socket, '/revocations/stream', this.#query())
    })
    if (isStream) await this.#ask(socket, '/revocations/stream', this.#query())
    else await this.#ask(socket, '/v1/resources', new URLSearchParams({ audience: operator.audience }))
    await lost
    this.fresh = false
    changed()
    this.#failures = performance.now() - startedAt > 10_000 ? 0 : this.#failures + 1
    setTimeout(() => this.start(), pauseMs(this.#failures, Math.random(), turnSeconds))
  }

  #query(): URLSearchParams {
    const nonce = randomBytes(16).toString('base64url')
    return new URLSearchParams({ after: `${this.seq}`, nonce, resource: operator.audience, point: this.#name })
  }

  async #ask(socket: Socket, path: string, query: URLSearchParams): Promise<void> {
    const { value } = await agent.token(wanted)
    const url = `${operator.issuer}${path}?${query}`
    const now = Math.floor(Date.now() / 1000)
    const proof = await createDpopProof(key, { method: 'GET', url, now, accessToken: value })
    const target = `${base}${path}?${query}`
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: DPoP ${value}\r\nDPoP: ${proof}\r\n\r\n`)
  }

  /** Heartbeats say how far they bring, too. */
  #read(chunk: Buffer): void {
    const at = chunk.lastIndexOf('\nid: ')
    if (at < 0) return
    const seq = Number.parseInt(chunk.toString('latin1', at + 5, at + 20), 10)
    if (!(seq > this.seq)) return
    this.seq = seq
    this.arrivedAt = now()
    changed()
  }
}

const points: Point[] = []
let awaited: { ready: () => boolean; answer: () => Said } | undefined

/** Looked at once a turn, however many came in it. */
let looking = false
function changed(): void {
  if (looking) return
  looking = true
  setImmediate(() => {
    looking = false
    if (!awaited?.ready()) return
    process.send?.(awaited.answer())
    awaited = undefined
  })
}

setInterval(() => {
  for (const point of points) point.look()
}, 500)

process.on('message', (asked: Asked) => {
  if (asked.ask === 'count') {
    const opening = asked.count - points.length
    for (let i = 0; i < opening; i++) {
      const point = new Point()
      points.push(point)
      // A fleet is not rolled out in one moment.
      setTimeout(() => point.start(), i / 2)
    }
  }
  const whole = (ready: (point: Point) => boolean, at = now) => {
    awaited = { ready: () => points.every(ready), answer: () => ({ at: `${at()}` }) }
  }
  if (asked.ask === 'count' || asked.ask === 'fresh') whole(({ fresh }) => fresh)
  if (asked.ask === 'lost') whole(({ fresh }) => !fresh)
  if (asked.ask === 'accept') whole(() => true)
  if (asked.ask === 'refused') {
    whole(
      ({ seq }) => seq >= asked.seq,
      () => points.reduce((latest, { arrivedAt }) => (arrivedAt > latest ? arrivedAt : latest), 0n),
    )
  }
  changed()
})
process.on('disconnect', () => process.exit(0))
