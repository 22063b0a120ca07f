// One authority as two processes' worth of nodes on one PostgreSQL: what one claims, revokes or rotates holds at the other.

import { createDpopProof, signClientAssertion } from '@credence/protocol'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, claimsIn, seconds } from '../cast.ts'
import { postgresMissing } from '../postgres.ts'

const api = 'https://api.example/'
const missing = postgresMissing()
let one: TestAuthority
let two: TestAuthority
let acme: TestOrganization
let cast: Cast
let agent: Agent
let here: string
let there: string

const itself = { grant_type: 'client_credentials', resource: api }

beforeAll(async () => {
  if (missing) return
  one = await startTestAuthority({ store: 'postgres', organizations: ['acme'] })
  two = await startTestAuthority({ settings: { ...one.settings, origin: one.origin, port: 0 } })
  here = `http://localhost:${one.settings.port}`
  there = `http://localhost:${two.settings.port}`
  acme = one.organizations.acme as TestOrganization
  cast = castOf(acme)
  agent = await cast.agent('agent', await cast.person('Ada'), {
    capabilities: ['a'],
    permissions: [{ resource: api, scope: 'a' }],
  })
  await cast.resource(api, ['a'], { operator: agent.id })
})
afterAll(async () => {
  await two?.stop()
  await one?.stop()
})
beforeEach((context) => {
  if (missing) context.skip(missing)
})

test('an assertion and a proof sent to both at once work at one', async () => {
  for (let round = 0; round < 5; round++) {
    const now = seconds()
    const assertion = await signClientAssertion(agent.key, { clientId: agent.clientId, issuer: acme.issuer, now })
    const proof = await createDpopProof(agent.key, { method: 'POST', url: `${acme.issuer}/token`, now })
    const sent = [here, there, here, there].map((at) => cast.ask(agent, itself, { assertion, at }))
    const codes = (await Promise.all(sent)).map(({ status, body }) => (status === 200 ? 'issued' : body.error_code))
    expect(codes.toSorted()).toEqual(['assertion_replayed', 'assertion_replayed', 'assertion_replayed', 'issued'])
    const proofs = [here, there].map((at) => cast.ask(agent, itself, { proof, at }))
    const answers = (await Promise.all(proofs)).map(({ status, body }) => (status === 200 ? 'issued' : body.error_code))
    expect(answers.toSorted()).toEqual(['issued', 'proof_replayed'])
  }
})

test('a key revoked at one signs nothing at the other, from the next request on', async () => {
  for (const at of [here, there]) expect((await cast.ask(agent, itself, { at })).status).toBe(200)
  const { body } = await acme.api('get', '/v1/signing-keys')
  const active = body.items.find(({ state }: { state: string }) => state === 'active').id
  const revoked = await acme.api('post', `/v1/signing-keys/${active}/revoke`, { wait_ms: 100 })
  expect(revoked).toMatchObject({
    status: 200,
    body: { id: active, cause: 'compromised', acknowledged: { all: true } },
  })
  expect(revoked.body.last_token_expired_by_ms).toBe(revoked.body.committed_at_ms + 900_000)
  // The other node has the old key in memory, and must not use it.
  const answer = await cast.ask(agent, itself, { at: there })
  expect(answer.status).toBe(200)
  const header = JSON.parse(Buffer.from(answer.body.access_token.split('.')[0], 'base64url').toString())
  expect(header.kid).not.toBe(active)
  expect(await cast.introspect(agent, answer.body.access_token)).toBe(true)
})

test('a task revoked at one while both issue for it: whatever was issued is dead, and nothing is issued after', async () => {
  for (let round = 0; round < 3; round++) {
    const parameters = { ...itself, task: `task-${round}` }
    const sent = Array.from({ length: 16 }, (_, place) => cast.ask(agent, parameters, { at: place % 2 ? here : there }))
    const ended = acme.api('post', '/v1/revocations', { id: `task:task-${round}`, cause: 'race' })
    const answers = await Promise.all(sent)
    expect((await ended).status).toBe(200)
    for (const { status, body } of answers) {
      if (status === 200) expect(await cast.introspect(agent, body.access_token)).toBe(false)
      else expect(body.error_code).toBe('revoked')
    }
    for (const at of [here, there]) expect((await cast.ask(agent, parameters, { at })).body.error_code).toBe('revoked')
  }
})

test('an agent suspended at one gets nothing at the other', async () => {
  const { body } = await cast.ask(agent, itself, { at: there })
  await acme.api('post', `/v1/agents/${agent.id}/suspend`)
  expect((await cast.ask(agent, itself, { at: there })).body.error_code).toBe('agent_not_active')
  await acme.api('post', `/v1/agents/${agent.id}/resume`)
  expect(await cast.introspect(agent, body.access_token)).toBe(false)
  const again = await cast.ask(agent, itself, { at: there })
  expect(claimsIn(again.body.access_token).lineage).toContainEqual([agent.id, 1])
})

test('connections that the server ends are told to the log, and replaced', async () => {
  const client = new pg.Client({ connectionString: one.settings.store })
  await client.connect()
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'credence' and datname = current_database()",
  )
  await client.end()
  await vi.waitFor(() => expect(one.log.join('')).toContain('an idle connection to PostgreSQL ended'), {
    timeout: 5_000,
  })
  await vi.waitFor(async () => expect((await cast.ask(agent, itself, { at: here })).status).toBe(200), {
    timeout: 5_000,
  })
})
