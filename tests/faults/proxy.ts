// Stands between two who speak TCP, and is the network as it can be: slow, cut, deaf in one direction, full of repetitions.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What happens to a chunk: passed on as these, or the end of the connection. */
export type Passed = readonly Buffer[] | 'cut'

/** One direction of every connection. What is set here holds from the next chunk on. */
export class Lane {
  delayMs = 0
  bytesPerSecond = Number.POSITIVE_INFINITY
  /** Chunks that went through. */
  chunks = 0
  /** Made for each connection: sees each chunk, and says what becomes of it. */
  change: (() => (chunk: Buffer) => Passed) | undefined
  #held = false
  readonly #waiting = new Set<() => void>()

  /** While held nothing passes, no end of a connection either, and nobody is told: half-open. What was sent comes after that. */
  get held(): boolean {
    return this.#held
  }

  set held(held: boolean) {
    this.#held = held
    if (held) return
    for (const go of this.#waiting) go()
    this.#waiting.clear()
  }

  async opened(): Promise<void> {
    while (this.#held) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  heal(): void {
    this.delayMs = 0
    this.bytesPerSecond = Number.POSITIVE_INFINITY
    this.held = false
  }
}

export type NetworkProxy = {
  port: number
  /** `http://localhost:<port>` */
  origin: string
  /** From those who connect here. */
  up: Lane
  /** To them. */
  down: Lane
  /** Those who connect are sent away at once. */
  refusing: boolean
  /** Server-sent events are lost, repeated and out of order, where a lane looks for them (`shuffleEvents`). */
  shuffling: boolean
  /** How many are connected. */
  connections(): number
  /** Ends every connection, both ways, without a word. */
  cut(): void
  heal(): void
  stop(): Promise<void>
}

/** @param to where connections go on to; asked anew for each. */
export async function startProxy(to: () => NetConnectOpts): Promise<NetworkProxy> {
  const [up, down] = [new Lane(), new Lane()]
  const open = new Set<Socket>()
  let stopped = false

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (proxy.refusing || stopped) {
      near.destroy()
      return
    }
    const far = connect({ ...to(), allowHalfOpen: true })
    const cut = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
    }
    void carry(near, far, up, cut)
    void carry(far, near, down, cut)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const proxy: NetworkProxy = {
    port,
    origin: `http://localhost:${port}`,
    up,
    down,
    refusing: false,
    shuffling: false,
    connections: () => open.size / 2,
    cut: () => {
      for (const socket of open) socket.destroy()
    },
    heal() {
      proxy.refusing = false
      proxy.shuffling = false
      up.heal()
      down.heal()
    },
    async stop() {
      stopped = true
      proxy.cut()
      proxy.heal()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

async function carry(from: Socket, to: Socket, lane: Lane, cut: () => void): Promise<void> {
  const change = lane.change?.()
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (lane.delayMs > 0) await sleep(lane.delayMs)
      await lane.opened()
      const passed = change ? change(chunk) : [chunk]
      if (passed === 'cut') return cut()
      lane.chunks += 1
      for (const piece of passed) await send(piece, to, lane)
    }
    await lane.opened()
    to.end()
  } catch {
    // Whoever was reset: the other hears of it when word can get there.
    await lane.opened()
    cut()
  }
}

async function send(piece: Buffer, to: Socket, lane: Lane): Promise<void> {
  for (let at = 0; at < piece.length && !to.destroyed; ) {
    const isSlow = Number.isFinite(lane.bytesPerSecond)
    const next = isSlow ? piece.subarray(at, at + 1) : piece.subarray(at)
    if (isSlow) await sleep(1_000 / lane.bytesPerSecond)
    await lane.opened()
    at += next.length
    if (!to.write(next)) await Promise.race([once(to, 'drain'), once(to, 'close')])
  }
}
