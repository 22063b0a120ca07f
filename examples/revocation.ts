// An agent is stopped: its next call is refused, and so is the call of the agent it had handed something to.
//   npm start, then, in another terminal: npm run example -- revocation

import assert from 'node:assert/strict'
import { delegateAs } from '@credence/sdk'
import { startLedger } from './ledger.ts'
import { administer, agent, issuer, person } from './setup.ts'

type Revoked = { committed_at_ms: number; leases_over_by_ms: number; last_token_expired_by_ms: number }

const owner = await person('Owner', { resource: 'http://localhost/none', scope: 'ledger:read' })
const ledger = await startLedger(owner.id)
const ada = await person('Ada', { resource: ledger.audience, scope: 'ledger:read' })
const planner = await agent('planner', { owner: ada.id, capabilities: ['ledger:*'] })
const clerk = await agent('clerk', { owner: ada.id, capabilities: ['ledger:*'] })

const toPlanner = await delegateAs(
  { person: ada.id, key: ada.key, issuer },
  { to: planner.agent.clientId, resources: [ledger.audience], scope: 'ledger:read', maxDepth: 1 },
)
const toClerk = await planner.agent.delegate({
  parent: toPlanner,
  to: clerk.agent.clientId,
  resources: [ledger.audience],
  scope: 'ledger:read',
})
const call = () =>
  clerk.agent.fetch(ledger.url, { resource: ledger.audience, scope: 'ledger:read', delegation: toClerk })

assert.equal((await call()).status, 200)
console.log('The clerk may read')

// Not the clerk, but the planner above it, is ended.
const revoked = await administer<Revoked>('POST', '/v1/revocations', { id: planner.id, cause: 'compromised' })
const began = performance.now()
let refused = await call()
while (refused.ok && performance.now() - began < 5_000) refused = await call()
assert.equal(refused.status, 401)
assert.equal(((await refused.json()) as { code: string }).code, 'revoked')
console.log(
  `The clerk is refused ${Math.round(performance.now() - began)} ms after the answer that its planner has ended`,
)

const seconds = (ms: number) => Math.round((ms - revoked.committed_at_ms) / 1000)
console.log(`An enforcement point that is cut off refuses after ${seconds(revoked.leases_over_by_ms)} s at the latest,`)
console.log(`and no token from before is valid after ${seconds(revoked.last_token_expired_by_ms)} s`)

// And no new token can be had from what came through the planner.
await assert.rejects(clerk.agent.token({ resource: ledger.audience, scope: 'ledger:read', delegation: toClerk }))
console.log('No new token either')

await ledger.stop()
console.log('ok')
