import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Config } from '../config.ts'
import { Connections } from './connections.ts'
import { connectionsPossible } from './open_files.ts'
import { pushInto } from './pushed_body.ts'
import type { Router } from './router.ts'

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
  const inProgress = new Set<Promise<Response>>()
  const respond = getRequestListener(
    (request, env) => {
      if (!router) return starting()
      const answering = router(request, 'incoming' in env ? env.incoming.socket?.remoteAddress : undefined)
      inProgress.add(answering)
      return answering
        .finally(() => inProgress.delete(answering))
        .then((response) => (pushInto(env.outgoing, response) ? RESPONSE_ALREADY_SENT : response))
    },
    { overrideGlobalObjects: false },
  )
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
      void respond(incoming, outgoing)
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

function starting(): Response {
  return new Response(null, { status: 503, headers: { 'retry-after': '1', 'cache-control': 'no-store' } })
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
