// A person delegates to an agent, offline; that agent hands on less to another, offline; the API sees the whole chain.
//   npm start, then, in another terminal: npm run example -- two_agents

import assert from 'node:assert/strict'
import { delegateAs, isRefusal } from '@credence/sdk'
import { startLedger } from './ledger.ts'
import { agent, issuer, person, run } from './setup.ts'

const owner = await person('Owner', { resource: 'http://localhost/none', scope: 'ledger:read' })
const ledger = await startLedger(owner.id)
const ada = await person('Ada', { resource: ledger.audience, scope: 'ledger:read ledger:write' })
const planner = await agent('planner', { owner: ada.id, capabilities: ['ledger:*'] })
const clerk = await agent('clerk', { owner: ada.id, capabilities: ['ledger:*'] })
const task = `invoice-${run}`

// Ada's key signs; nobody is asked. What comes out is text, to be sent however one likes.
const toPlanner = await delegateAs(
  { person: ada.id, key: ada.key, issuer },
  { to: planner.agent.clientId, resources: [ledger.audience], scope: 'ledger:read ledger:write', maxDepth: 1, task },
)

// The planner hands on reading, for ten minutes. More than it has it cannot hand on.
const received = await planner.agent.accept(toPlanner)
const toClerk = await planner.agent.delegate({
  parent: received,
  to: clerk.agent.clientId,
  resources: [ledger.audience],
  scope: 'ledger:read',
  expiresIn: 600,
})
await assert.rejects(
  planner.agent.delegate({
    parent: received,
    to: clerk.agent.clientId,
    resources: [ledger.audience],
    scope: 'ledger:admin',
  }),
  (error) => isRefusal(error) && error.code === 'not_narrower',
)

// The clerk exchanges the chain for tokens when it calls.
const delegation = await clerk.agent.accept(toClerk)
const read = await clerk.agent.fetch(ledger.url, { resource: ledger.audience, scope: 'ledger:read', task, delegation })
assert.equal(read.status, 200)
console.log(`${clerk.agent.clientId} reads for ${delegation.principal}`)

await assert.rejects(
  clerk.agent.token({ resource: ledger.audience, scope: 'ledger:write', task, delegation }),
  (error) => isRefusal(error) && error.oauth === 'invalid_scope',
)
console.log('The clerk gets no token to write: it was handed reading only')

const write = await planner.agent.fetch(ledger.url, {
  resource: ledger.audience,
  scope: 'ledger:write',
  task,
  delegation: received,
  method: 'POST',
  body: 'paid',
})
assert.equal(write.status, 201)
assert.deepEqual(await write.json(), { text: 'paid', by: planner.agent.clientId, for: ada.id })
console.log('The planner writes, and the entry says for whom')

await ledger.stop()
console.log('ok')
