import { type RefusalCode, refusals } from '@credence/protocol'
import { AgentKey, delegateAs } from '@credence/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { made, openPoint, type Point, registerAgent, registerOperator } from './enforcement_point.ts'

let authority: TestAuthority
let acme: TestOrganization
let api: Awaited<ReturnType<typeof registerOperator>>
let point: Point
let count = 0

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  api = await registerOperator(acme, 'api')
  point = await openPoint(api)
})
afterAll(async () => {
  await point.stop()
  await authority.stop()
})

const end = (id: string) => made(acme.api('post', '/v1/revocations', { id, cause: 'test' }))

/** A person who delegates to one agent, which hands on to another, which has a token for a task. */
async function handOver() {
  count += 1
  const key = await AgentKey.generate()
  const permissions = [{ resource: api.audience, scope: 'repo:*' }]
  const person = await made(acme.api('post', '/v1/people', { name: 'Ada', permissions }))
  const personKey = await made(acme.api('post', `/v1/people/${person.id}/keys`, { jwk: key.publicJwk }))
  const [first, second] = await Promise.all(
    ['first', 'second'].map((handle) => registerAgent(acme, `${handle}-${count}`, { capabilities: ['repo:*'] })),
  )
  if (!first || !second) throw new Error('no agents')
  const task = `task-${count}`
  const words = { resources: [api.audience], scope: 'repo:read', task }
  const root = await delegateAs(
    { person: person.id, key, issuer: acme.issuer },
    { ...words, to: first.agent.clientId, maxDepth: 1 },
  )
  const chain = await first.agent.delegate({ ...words, to: second.agent.clientId, parent: root })
  const wanted = { resource: api.audience, scope: 'repo:read', task, delegation: chain }
  const token = await second.agent.token(wanted)
  const delegations = (await made(acme.api('get', `/v1/delegations?principal=${person.id}`))).items
  const idOf = (delegator: string): string =>
    delegations.find((one: { delegator: string }) => one.delegator === delegator)?.id
  return {
    person: person.id as string,
    personKey: personKey.id as string,
    first,
    second,
    task,
    token: token.value,
    rootDelegation: idOf(person.id),
    leafDelegation: idOf(first.agent.clientId),
    isAlive: async () => (await api.agent.introspect(token.value)).active,
    lineage: claimsOf(token.value).lineage as Array<[string, number]>,
    jti: claimsOf(token.value).jti as string,
  }
}

function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

type Handed = Awaited<ReturnType<typeof handOver>>

const grains: Array<[what: string, id: (handed: Handed) => string]> = [
  ['its token', ({ jti }) => jti],
  ['the delegation it rests on', ({ leafDelegation }) => leafDelegation],
  ['the delegation above that', ({ rootDelegation }) => rootDelegation],
  ["the person's key", ({ personKey }) => personKey],
  ["the first agent's key", ({ first }) => first.credential],
  ["the second agent's key", ({ second }) => second.credential],
  ['the first agent', ({ first }) => first.id],
  ['the second agent', ({ second }) => second.id],
  ['the person', ({ person }) => person],
  ['the task', ({ task }) => `task:${task}`],
]

for (const [what, idOf] of grains) {
  test(`a token dies with ${what}, here and at every listener, and only with it`, async () => {
    const [handed, other] = [await handOver(), await handOver()]
    expect([await handed.isAlive(), await other.isAlive()]).toEqual([true, true])
    const id = idOf(handed)
    const { fact } = await end(id)
    expect(await handed.isAlive()).toBe(false)
    await point.until(() => point.state.cursor >= fact.seq)
    expect(point.state.map.deadBy(handed.lineage, [handed.jti])).toBe(id)
    expect(await other.isAlive()).toBe(true)
    expect(point.state.map.deadBy(other.lineage, [other.jti])).toBeUndefined()
  })
}

test('what may come back gets new tokens, and those from before stay dead', async () => {
  const handed = await handOver()
  await end(handed.second.id)
  const restored = await acme.api('post', '/v1/revocations/restore', { id: handed.second.id })
  expect(restored.status).toBe(200)
  expect(await handed.isAlive()).toBe(false)
  const code: RefusalCode = 'conflict'
  const twice = await acme.api('post', '/v1/revocations/restore', { id: handed.second.id })
  expect([twice.status, twice.body.code]).toEqual([refusals[code].status, code])
  for (const id of [handed.jti, handed.leafDelegation, handed.personKey, `task:${handed.task}`]) {
    await end(id)
    expect((await acme.api('post', '/v1/revocations/restore', { id })).body.code).toBe('conflict')
  }
})

test('an agent takes back what it handed over itself, and nothing else', async () => {
  const { first, second, rootDelegation, leafDelegation, isAlive } = await handOver()
  const takeBack = (who: typeof first, id: string) =>
    who.agent.fetch(`${acme.issuer}/v1/delegations/${id}/revoke`, {
      resource: `${acme.issuer}/v1`,
      scope: 'delegations:write',
      method: 'POST',
    })
  expect((await takeBack(second, leafDelegation)).status).toBe(404)
  expect((await takeBack(first, rootDelegation)).status).toBe(404)
  expect(await isAlive()).toBe(true)
  const taken = await takeBack(first, leafDelegation)
  expect([taken.status, (await taken.json()).cause]).toEqual([200, 'withdrawn'])
  expect(await isAlive()).toBe(false)
})

test('what is not there, or another organization’s, cannot be ended', async () => {
  const globex = await authority.createOrganization('globex')
  const { second } = await handOver()
  const wrong = ['agt_AAAAAAAAAAAAAAAAAAAAAA', 'nonsense', 'task:', 'task:a b', globex.id]
  for (const id of wrong) {
    const { status } = await acme.api('post', '/v1/revocations', { id, cause: 'test' })
    expect([id, status]).toEqual([id, 404])
  }
  for (const id of [second.id, second.credential, acme.id]) {
    expect((await globex.api('post', '/v1/revocations', { id, cause: 'test' })).status).toBe(404)
  }
  expect((await acme.api('post', '/v1/revocations', { id: second.id, cause: 'Not a word' })).status).toBe(422)
  for (const id of ['sgk_AAAAAAAAAAAAAAAAAAAAAA', 'adm_AAAAAAAAAAAAAAAAAAAAAA']) {
    expect((await acme.api('post', '/v1/revocations', { id, cause: 'x' })).status).toBe(422)
  }
})

test('the organization itself can be stopped, and brought back', async () => {
  const { isAlive, second } = await handOver()
  await end(acme.id)
  expect(await isAlive().catch(() => false)).toBe(false)
  await point.ended
  const wanted = { resource: `${acme.issuer}/v1`, scope: 'delegations:write' }
  await expect(second.agent.token(wanted)).rejects.toThrow()
  expect((await acme.api('post', '/v1/revocations/restore', { id: acme.id })).status).toBe(200)
  expect(await isAlive()).toBe(false)
  await second.agent.token(wanted)
  point = await openPoint(api)
})
