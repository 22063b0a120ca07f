// An API verifies each call by itself; an agent calls it, and is refused what it may not do.
//   npm start, then, in another terminal: npm run example -- protected_api

import assert from 'node:assert/strict'
import { startLedger } from './ledger.ts'
import { administer, agent, person } from './setup.ts'

const ada = await person('Ada', { resource: 'http://localhost/none', scope: 'ledger:read' })
const ledger = await startLedger(ada.id)
const reader = await agent('reader', {
  owner: ada.id,
  capabilities: ['ledger:read'],
  itself: { resource: ledger.audience, scope: 'ledger:read' },
})

const read = await reader.agent.fetch(ledger.url, { resource: ledger.audience, scope: 'ledger:read' })
assert.equal(read.status, 200)
console.log('The agent reads the ledger:', await read.json())

const write = await reader.agent.fetch(ledger.url, { resource: ledger.audience, method: 'POST', body: 'a gift for me' })
assert.equal(write.status, 403)
assert.match(write.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="ledger:write"/)
console.log('Writing is refused:', ((await write.json()) as { title: string }).title)

const anonymous = await fetch(ledger.url)
assert.equal(anonymous.status, 401)
console.log('A call without a token is refused:', anonymous.headers.get('www-authenticate'))

// A token alone is worth nothing: it is bound to the agent's key.
const { value } = await reader.agent.token({ resource: ledger.audience, scope: 'ledger:read' })
const stolen = await fetch(ledger.url, { headers: { authorization: `Bearer ${value}` } })
assert.equal(stolen.status, 401)
console.log('A stolen token is refused:', ((await stolen.json()) as { title: string }).title)

await administer('POST', `/v1/agents/${reader.id}/retire`, {})
await ledger.stop()
console.log('ok')
