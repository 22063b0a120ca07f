import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { protect } from '@credence/sdk/node'
import { createVerifier, type Verdict, type Verifier } from '@credence/sdk/verify'
import type { AgentPlayer } from './cast.ts'

/** What the shop thought of a call, and how long it took to find out. */
export type Seen = { verdict: Verdict; ms: number }

export type Shop = {
  audience: string
  /** Its verdict on the last call. */
  seen(): Seen
  stop(): Promise<void>
}

/** Above this amount the shop does not take the authority's word for who delegated what: it checks every signature itself. */
export const provenFrom = 25

/**
 * A protected API as a developer would write it: `node:http` and the SDK's middleware. It knows its issuer and its own operator
 * agent; everything it needs to judge a call is there before the call comes.
 */
export async function openShop(audience: string, operator: AgentPlayer): Promise<Shop> {
  let last: Seen | undefined
  const verifier = createVerifier({
    resource: audience,
    issuers: [{ issuer: operator.agent.issuer, operator: operator.agent }],
  })
  const watched = timed(verifier, (seen) => {
    last = seen
  })
  // A bound on amounts refuses every call that does not say how much: reading moves nothing.
  const reading = { scope: 'orders:read', arguments: { amount: 0 } }
  const orders = protect(watched, reading, (request, response) =>
    answer(response, { order: orderOf(request), items: ['teapot'], total: 120 }),
  )
  const refunds = protect(watched, refundNeeds, (request, response, { principal }) =>
    answer(response, { refunded: amountOf(request), order: orderOf(request), for: principal }),
  )
  const server = createServer((request, response) => (request.method === 'POST' ? refunds : orders)(request, response))
  const { hostname, port } = new URL(audience)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(Number(port), hostname, resolve)
    })
    await verifier.ready()
  } catch (error) {
    server.close()
    await verifier.stop()
    throw error
  }
  return {
    audience,
    seen: () => {
      if (last === undefined) throw new Error('the shop has not been called')
      return last
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await verifier.stop()
    },
  }
}

function refundNeeds(request: IncomingMessage) {
  const amount = amountOf(request)
  const needs = { scope: 'refunds:create', arguments: { amount } }
  return amount > provenFrom ? { ...needs, chain: 'prove' as const } : needs
}

function timed(verifier: Verifier, see: (seen: Seen) => void): Verifier {
  return {
    ready: (timeoutMs) => verifier.ready(timeoutMs),
    state: () => verifier.state(),
    stop: () => verifier.stop(),
    verify: async (request, expected) => {
      const started = performance.now()
      const verdict = await verifier.verify(request, expected)
      see({ verdict, ms: performance.now() - started })
      return verdict
    },
  }
}

function orderOf(request: IncomingMessage): string {
  return /^\/orders\/(\d+)/.exec(request.url ?? '')?.[1] ?? ''
}

function amountOf(request: IncomingMessage): number {
  return Number(new URL(request.url ?? '/', 'http://shop').searchParams.get('amount') ?? Number.NaN)
}

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
