// Delegations and signing keys through the API: handing in, attesting, listing; and nothing of it for others.

import { createDpopProof, readStatement, signStatement } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, type Person, seconds } from '../cast.ts'

const api = 'https://api.example/'
let authority: TestAuthority
let acme: TestOrganization
let other: TestOrganization
let cast: Cast
let ada: Person
let planner: Agent
let writer: Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'other'] })
  acme = authority.organizations.acme as TestOrganization
  other = authority.organizations.other as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada', [{ resource: api, scope: 'a:*' }])
  planner = await cast.agent('planner', ada, { capabilities: ['a:*'] })
  writer = await cast.agent('writer', ada, { capabilities: ['a:*'] })
  await cast.resource(api, ['a:read', 'a:write'])
})
afterAll(() => authority.stop())

/** Hands statements in as an agent, with a token for the authority's own API. */
async function handIn(agent: Agent, statements: string[]): Promise<Answer> {
  const url = `${acme.issuer}/v1/delegations`
  const accessToken = await cast.token(agent, `${acme.issuer}/v1`)
  const proof = await createDpopProof(agent.key, { method: 'POST', url, now: seconds(), accessToken })
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `DPoP ${accessToken}`, dpop: proof, 'content-type': 'application/json' },
    body: JSON.stringify({ statements }),
  })
  return { status: response.status, body: await response.json(), headers: response.headers }
}

const fromAda = (more: object = {}) =>
  cast.delegate(
    { iss: ada.id, key: ada.key },
    { delegate: planner.clientId, aud: [api], scope: 'a:read', max_depth: 1, ...more },
  )

describe('an agent hands statements in', () => {
  test('when it is part of the chain, and only then', async () => {
    const chain = await fromAda()
    expect((await handIn(writer, chain)).body.code).toBe('forbidden')
    const { status, body } = await handIn(planner, chain)
    expect([status, body.chain, body.principal]).toEqual([201, chain, ada.id])
    const { hash } = await readStatement(chain[0] as string)
    expect(body.hash).toBe(hash)
    const served = await fetch(`${acme.issuer}/statements/${hash}`)
    expect(served.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(served.headers.get('content-type')).toBe('application/jwt')
    expect(await served.text()).toBe(chain[0])
    expect((await fetch(`${other.issuer}/statements/${hash}`)).status).toBe(404)
  })

  test('and does not attest', async () => {
    const accessToken = await cast.token(planner, `${acme.issuer}/v1`)
    const url = `${acme.issuer}/v1/delegations`
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `DPoP ${accessToken}`,
        dpop: await createDpopProof(planner.key, { method: 'POST', url, now: seconds(), accessToken }),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ delegator: ada.id, delegate: planner.clientId, aud: [api], scope: 'a:read' }),
    })
    expect(response.status).toBe(403)
  })

  test('a statement is known by what it says: another with the same jti is another', async () => {
    const [statement = ''] = await fromAda()
    const first = await handIn(planner, [statement])
    expect([first.status, first.body.id]).toEqual([201, (await readStatement(statement)).id])
    const twin = await signStatement(ada.key, { ...(await readStatement(statement)).statement, scope: 'a:write' })
    const second = await handIn(planner, [twin])
    expect([second.status, second.body.id]).toEqual([201, (await readStatement(twin)).id])
    expect(second.body.id).not.toBe(first.body.id)
  })
})

describe('an administrator attests', () => {
  const attest = (more: object) =>
    acme.api('post', '/v1/delegations', {
      delegator: ada.id,
      delegate: 'planner',
      aud: [api],
      scope: 'a:read',
      ...more,
    })

  test('for whom there is, to whom there is, no more than the delegator has', async () => {
    expect((await attest({})).status).toBe(201)
    expect((await attest({ delegator: 'psn_AAAAAAAAAAAAAAAAAAAAAA' })).body.code).toBe('delegator_unknown')
    expect((await attest({ delegate: 'nobody' })).body.code).toBe('validation_failed')
    expect((await attest({ aud: ['https://nowhere.example/'] })).body.code).toBe('validation_failed')
    expect((await attest({ scope: 'b:read' })).body.code).toBe('scope_not_granted')
    expect((await attest({ constraints: [{ key: 'n', max_lifetime: 3 }] })).body.code).toBe('cumulative_unsupported')
    expect((await attest({ statements: ['x'] })).body.code).toBe('validation_failed')
    const long = await attest({ expires_in: 400 * 86_400 })
    const { statement } = await readStatement(long.body.chain[0])
    expect(statement.exp - statement.iat).toBe(90 * 86_400)
  })

  test('a hand-over of what was handed over, never wider or deeper', async () => {
    const root = (await attest({ max_depth: 1, task: 't' })).body
    const next = { delegator: planner.clientId, delegate: 'writer', parent: root.hash }
    expect((await attest({ ...next, scope: 'a:*' })).body.code).toBe('not_narrower')
    expect((await attest({ ...next, task: 'u' })).body.code).toBe('not_narrower')
    expect((await attest({ ...next, delegator: ada.id })).body.code).toBe('holder_binding_failed')
    const child = await attest(next)
    expect(child.body.chain).toHaveLength(2)
    expect((await cast.exchange(writer, child.body.chain, api)).status).toBe(200)
    const deeper = { delegator: writer.clientId, delegate: 'planner', parent: child.body.hash }
    expect((await attest(deeper)).body.code).toBe('depth_invalid')
  })

  test('for the organization itself', async () => {
    const { body } = await attest({ delegator: acme.id, scope: 'a:write' })
    expect(body.principal).toBe(acme.id)
    expect((await cast.exchange(planner, body.chain, api)).body.scope).toBe('a:write')
  })
})

test('delegations are listed page by page and read, and stay within their organization', async () => {
  const seen = new Set<string>()
  let cursor = ''
  do {
    const { body } = await acme.api(
      'get',
      `/v1/delegations?limit=2&delegate=${encodeURIComponent(planner.clientId)}${cursor}`,
    )
    for (const { id, delegate } of body.items) {
      expect(delegate).toBe(planner.clientId)
      expect(seen.has(id)).toBe(false)
      seen.add(id)
    }
    cursor = body.next_cursor === undefined ? '' : `&cursor=${encodeURIComponent(body.next_cursor)}`
  } while (cursor !== '')
  expect(seen.size).toBeGreaterThan(3)
  const [id] = [...seen]
  expect((await acme.api('get', `/v1/delegations/${id}`)).status).toBe(200)
  expect((await other.api('get', `/v1/delegations/${id}`)).status).toBe(404)
  expect((await other.api('get', '/v1/delegations')).body.items).toEqual([])
  await acme.api('post', '/v1/revocations', { id, cause: 'test' })
  expect((await acme.api('get', `/v1/delegations/${id}`)).body.alive).toBe(false)
})

test('the next signing key is shown at once and signs later; there is one at a time', async () => {
  const active = async () =>
    (await acme.api('get', '/v1/signing-keys')).body.items.find(({ state }: { state: string }) => state === 'active').id
  const before = await active()
  const rotated = await acme.api('post', '/v1/signing-keys')
  expect(rotated.status).toBe(202)
  expect((await acme.api('post', '/v1/signing-keys')).body.code).toBe('conflict')
  expect(await active()).toBe(before)
  const { keys } = (await (await fetch(`${acme.issuer}/jwks`)).json()) as { keys: Array<{ kid: string }> }
  expect(keys.map(({ kid }) => kid).sort()).toEqual([before, rotated.body.id].sort())
  expect((await other.api('post', `/v1/signing-keys/${before}/revoke`, {})).status).toBe(404)
  const listed = JSON.stringify((await acme.api('get', '/v1/signing-keys')).body)
  expect(listed).not.toMatch(/sealed|"d":/)
})
