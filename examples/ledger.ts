// A small protected API that the examples call: entries can be read and written.

import type { AddressInfo } from 'node:net'
import { protect } from '@credence/sdk/hono'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { agent, issuer, resource, run } from './setup.ts'

export type Ledger = { audience: string; url: string; verifier: Verifier; stop(): Promise<void> }

export async function startLedger(owner: string): Promise<Ledger> {
  const app = new Hono()
  const server = serve({ fetch: app.fetch, port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  const audience = `http://localhost:${(server.address() as AddressInfo).port}/ledger/${run}`

  // The API is itself an agent at the authority: it alone hears of revocations for this audience.
  const operator = await agent('ledger', { owner, capabilities: [] })
  await resource(audience, ['ledger:read', 'ledger:write'], operator.id)

  const verifier = createVerifier({ resource: audience, issuers: [{ issuer, operator: operator.agent }] })
  await verifier.ready()

  const entries: Array<{ text: string; by: string; for: string }> = []
  const path = `/ledger/${run}/entries`
  app.get(path, protect(verifier, { scope: 'ledger:read' }), (c) => c.json(entries))
  // What changes something is proven back to the person: each statement of the chain is verified here.
  app.post(path, protect(verifier, { scope: 'ledger:write', chain: 'prove' }), async (c) => {
    const { agent, principal } = c.var.credence
    entries.push({ text: await c.req.text(), by: agent, for: principal })
    return c.json(entries.at(-1), 201)
  })
  return {
    audience,
    url: `${audience}/entries`,
    verifier,
    async stop() {
      await verifier.stop()
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
    },
  }
}
