// What an enforcement point may show as proof that the store has lost something (F10): only what the authority has signed for this very
// feed, and only where the store is behind it. Nobody stops an organization by saying a number.

import { base64url, generateSigningKey, newId, signBatch } from '@credence/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signingKeyOf } from '../attacks/store_contents.ts'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { claimsIn } from '../cast.ts'
import { callFeed, registerOperator } from '../revocation/enforcement_point.ts'

let authority: TestAuthority
let acme: TestOrganization
let operator: Awaited<ReturnType<typeof registerOperator>>
let own: string
let others: string

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'globex'] })
  acme = authority.organizations.acme as TestOrganization
  const globex = authority.organizations.globex as TestOrganization
  operator = await registerOperator(acme, 'shop')
  const may = [{ resource: operator.audience, scope: 'repo:*' }]
  await acme.api('patch', `/v1/agents/${operator.id}`, { capabilities: ['repo:*'], permissions: may })
  await operator.agent.token({ resource: operator.audience })
  const strangers = await registerOperator(globex, 'shop')
  for (let n = 0; n < 5; n++) await globex.api('post', '/v1/revocations', { id: `task:${n}`, cause: 'test' })
  own = await (await callFeed(operator.agent, '/revocations?after=0')).text()
  others = await (await callFeed(strangers.agent, '/revocations?after=0')).text()
})
afterAll(() => authority.stop())

async function forged(change: object): Promise<string> {
  const [header = '', payload = ''] = own.split('.')
  const claims = JSON.parse(new TextDecoder().decode(base64url.decode(payload)))
  const { kid } = JSON.parse(new TextDecoder().decode(base64url.decode(header)))
  return signBatch(await generateSigningKey('ES256', { kid }), { ...claims, ...change })
}

const altered = (change: object) => {
  const [header, payload = '', signature] = own.split('.')
  const claims = { ...JSON.parse(new TextDecoder().decode(base64url.decode(payload))), ...change }
  return [header, base64url.encode(new TextEncoder().encode(JSON.stringify(claims))), signature].join('.')
}

const ahead = { after: 900, to: 900, head: 900 }

test.for<[what: string, make: () => string | Promise<string>, status: number]>([
  ['no batch', () => 'x', 422],
  ['nothing', () => '', 422],
  ['one that is too long', () => 'x'.repeat(20_000), 422],
  ['one that was altered', () => altered(ahead), 422],
  ['one of another incarnation', () => altered({ incarnation: 9 }), 422],
  ['one signed by somebody else', () => forged(ahead), 422],
  ['that of another organization, which is further', () => others, 422],
  ['a true one, which the store has reached', () => own, 204],
])('%s stops nothing', async ([_, make, status]) => {
  const { audience: resource, agent } = operator
  const body = JSON.stringify({ resource, seq: 0, point: newId('ept'), seen: await make() })
  const headers = { 'content-type': 'application/json' }
  const answer = await callFeed(agent, '/revocations/acknowledgements', { method: 'POST', headers, body })
  expect(answer.status).toBe(status)
  const now = claimsIn(await (await callFeed(agent, '/revocations?after=0')).text())
  expect(now).toMatchObject({ incarnation: 1, head: 0 })
})

test('nobody stops issuing by hand', async () => {
  const { status, body } = await acme.api('post', '/v1/revocations', { id: 'issuing', cause: 'test' })
  expect([status, body.code]).toEqual([422, 'validation_failed'])
})

test('what the authority did sign, and the store is behind, stops issuing, and only that', async () => {
  const { audience: resource, agent } = operator
  // Not the one it has already.
  const token = () => agent.token({ resource, scope: 'repo:read' })
  const batch = { ...claimsIn(own), ...ahead }
  const body = JSON.stringify({
    resource,
    seq: 0,
    point: newId('ept'),
    seen: await signBatch(await signingKeyOf(authority, acme), batch),
  })
  const headers = { 'content-type': 'application/json' }
  for (let n = 0; n < 3; n++) {
    const answer = await callFeed(agent, '/revocations/acknowledgements', { method: 'POST', headers, body })
    // Once it is known, the rest is an acknowledgement of what is long past.
    expect(answer.status).toBe(204)
  }
  const now = claimsIn(await (await callFeed(agent, '/revocations?after=0')).text())
  expect(now).toMatchObject({ incarnation: 2, head: 1, facts: [{ id: 'issuing', cause: 'store_rolled_back' }] })
  await expect(token()).rejects.toMatchObject({ code: 'recovering' })
  expect((await acme.api('post', '/v1/revocations', { id: 'task:any', cause: 'test' })).status).toBe(200)
  const { status, body: said } = await acme.api('post', '/v1/revocations/restore', { id: 'issuing' })
  expect([status, said.code]).toEqual([409, 'conflict'])
})
