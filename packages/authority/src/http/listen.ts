import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Config } from '../config.ts'
import type { Answer } from './answer.ts'
import { Connections } from './connections.ts'
import { connectionsPossible } from './open_files.ts'
import { requestOf } from './request.ts'
import type { Router } from './router.ts'
import { write } from './write.ts'

export type Listener = {
  port: number
  /** Begins to answer; until then everything is 503. */
  answerWith(router: Router): void
  /**
   * Takes no more connections, lets requests in progress end for at most `seconds`, then cuts what is left. Resolves when nothing
   * is being worked on any more, whether or not anybody still waits for the answer.
   */
  stop(seconds: number): Promise<void>
}

type Limits = Pick<Config, 'host' | 'port' | 'headerBytes' | 'requestSeconds' | 'connections'>

/** Opens the port, with limits on everything a peer could hold open or fill up. */
export async function listen(limits: Limits): Promise<Listener> {
  let router: Router | undefined
  const inProgress = new Set<Promise<void>>()
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    try {
      write(router ? await router(requestOf(incoming)) : starting(), incoming, outgoing)
    } catch {
      // The router never throws, and what cannot be written has nobody to read it.
      outgoing.destroy()
    }
  }
  const connections = new Connections(connectionsPossible(limits.connections))
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(10, limits.requestSeconds) * 1000,
      requestTimeout: limits.requestSeconds * 1000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 30_000,
    },
    (incoming, outgoing) => {
      connections.used(incoming.socket, outgoing)
      const responding = respond(incoming, outgoing)
      inProgress.add(responding)
      void responding.then(() => inProgress.delete(responding))
    },
  )
  server.maxHeadersCount = 100
  // Longer than anything takes that says nothing meanwhile: whoever does not read what it asked for.
  server.timeout = 30_000
  server.on('connection', (socket) => connections.opened(socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: limits.host, port: limits.port, backlog: 1024 }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    answerWith(next) {
      router = next
    },
    async stop(seconds) {
      await close(server, seconds)
      await Promise.allSettled(inProgress)
    },
  }
}

function starting(): Answer {
  return { status: 503, headers: { 'retry-after': '1', 'cache-control': 'no-store' } }
}

async function close(server: Server, seconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that is kept alive becomes idle only after its answer: look again until none is left.
  const idle = setInterval(() => server.closeIdleConnections(), 25)
  const cut = setTimeout(() => server.closeAllConnections(), seconds * 1000)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}
