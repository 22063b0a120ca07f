// What there is much of hides nothing, and what lasts takes in nothing that somebody made up.

import { generateSigningKey } from '@credence/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf } from '../cast.ts'

let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let agent: Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  agent = await cast.agent('agent', await cast.person('Ada'))
  await cast.resource('https://docs.example/', ['docs:read'])
})
afterAll(() => authority.stop())

test('a key of a person is seen, however many others there are', async () => {
  const { id } = (await acme.api('post', '/v1/people', { name: 'Bob' })).body
  const { publicJwk: jwk } = await generateSigningKey('ES256')
  const enrolled = await Promise.all(
    Array.from({ length: 230 }, (_, n) => acme.api('post', `/v1/people/${id}/keys`, { jwk: { ...jwk, kid: `k${n}` } })),
  )
  const { keys } = (await acme.api('get', `/v1/people/${id}`)).body
  const ids = (all: Array<{ id: string }>) => all.map((key) => key.id).sort()
  expect(ids(keys)).toEqual(ids(enrolled.map(({ body }) => body)))
})

test('a list is whole, page by page, whatever is added and however it is cut', async () => {
  for (let n = 0; n < 7; n += 1) await acme.api('post', '/v1/administrators', { name: `A${n}` })
  const whole = (await acme.api('get', '/v1/administrators?limit=200')).body.items
  for (const limit of [1, 2, 3, 7, 8, 9]) {
    const found = []
    for (let cursor = ''; ; ) {
      const { body } = await acme.api('get', `/v1/administrators?limit=${limit}${cursor}`)
      found.push(...body.items)
      if (body.next_cursor === undefined) break
      cursor = `&cursor=${body.next_cursor}`
    }
    expect([limit, found]).toEqual([limit, whole])
  }
})

test.each([
  'https://made-up.example/?api_key=canary-of-a-secret',
  'https://made-up.example/people/canary',
  'https://docs.example/canary',
  'https://docs.example',
])('a resource that nobody registered, %s, is in no record of the refusal', async (resource) => {
  const answer = await cast.ask(agent, { grant_type: 'client_credentials', resource })
  expect(answer.body.error_code).toBe('resource_unknown')
  const { records } = (await acme.api('get', '/v1/audit/records?type=token.refused&limit=500')).body
  expect(records.length).toBeGreaterThan(0)
  for (const { leaf, values } of records) {
    expect(leaf.reasons).toEqual(['resource_unknown'])
    expect(JSON.stringify([leaf, values])).not.toMatch(/canary|https:/)
  }
})

test('one that there is stands in it', async () => {
  await cast.ask(agent, { grant_type: 'client_credentials', resource: 'https://docs.example/' })
  const { records } = (await acme.api('get', '/v1/audit/records?type=token.refused&limit=500')).body
  expect(records.at(-1).leaf.resource).toBe('https://docs.example/')
})
