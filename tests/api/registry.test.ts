import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { postgresMissing } from '../postgres.ts'

const publicJwk = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })

const missing = postgresMissing()
// Nobody holds a lease here.
const threeMoments = {
  already_ended: false,
  committed_at_ms: expect.any(Number),
  acknowledged: { points: 0, of: 0, by_ms: expect.any(Number), all: true },
  leases_over_by_ms: expect.any(Number),
  last_token_expired_by_ms: expect.any(Number),
}

describe.for(['sqlite', 'postgres'] as const)('on %s', (store) => {
  beforeEach((context) => context.skip(store === 'postgres' && missing !== undefined, missing))

  let authority: TestAuthority
  let acme: TestOrganization
  let ada: string

  beforeAll(async () => {
    if (store === 'postgres' && missing) return
    authority = await startTestAuthority({ store, organizations: ['acme'] })
    acme = authority.organizations.acme as TestOrganization
    ada = (await acme.api('post', '/v1/people', { name: 'Ada' })).body.id
  })
  afterAll(() => authority?.stop())

  test('an agent is registered, read by id and by handle, and listed', async () => {
    const registered = await acme.api('post', '/v1/agents', {
      handle: 'reader',
      owner: ada,
      purpose: 'Reads issues.',
      capabilities: ['repo:read', 'issues:*'],
      permissions: [{ resource: 'https://api.example/', scope: 'repo:read' }],
    })
    expect(registered.status).toBe(201)
    expect(registered.body).toMatchObject({
      client_id: 'spiffe://acme.credence.example/agent/reader',
      owner: ada,
      version: '1',
      status: 'active',
      epoch: 0,
      credential_policy: { kinds: ['public_key'] },
    })
    const { id } = registered.body
    expect((await acme.api('get', `/v1/agents/${id}`)).body).toEqual(registered.body)
    expect((await acme.api('get', '/v1/agents/reader')).body).toEqual(registered.body)
    expect((await acme.api('get', '/v1/agents')).body.items).toContainEqual(registered.body)
    expect((await acme.api('get', `/v1/agents?owner=${ada}`)).body.items).toContainEqual(registered.body)
  })

  test('a handle is never given twice, not even after its agent has retired', async () => {
    const wanted = { handle: 'once', owner: ada, purpose: 'Is there once.' }
    expect((await acme.api('post', '/v1/agents', wanted)).status).toBe(201)
    expect((await acme.api('post', '/v1/agents/once/retire')).status).toBe(200)
    expect((await acme.api('post', '/v1/agents', wanted)).body).toMatchObject({ status: 409, code: 'handle_taken' })
  })

  test('an agent without an owner, or with a handle of another alphabet, is refused', async () => {
    const owner = 'psn_AAAAAAAAAAAAAAAAAAAAAA'
    const orphan = await acme.api('post', '/v1/agents', { handle: 'orphan', owner, purpose: 'None.' })
    expect(orphan.body).toMatchObject({ status: 422, code: 'owner_unknown' })
    for (const handle of ['Reader', 'reаder', 'a.b', '-a', 'a-', 'a'.repeat(64)]) {
      const { status, body } = await acme.api('post', '/v1/agents', { handle, owner: ada, purpose: 'None.' })
      expect([status, body.code]).toEqual(handle.length > 63 ? [422, 'validation_failed'] : [400, 'handle_invalid'])
    }
  })

  test('an agent is suspended, resumed with a higher epoch, handed over and retired', async () => {
    await acme.api('post', '/v1/agents', { handle: 'worker', owner: ada, purpose: 'Works.' })
    const suspended = await acme.api('post', '/v1/agents/worker/suspend', { cause: 'odd_behaviour' })
    expect(suspended.body).toMatchObject({ cause: 'odd_behaviour', already_ended: false, fact: { epoch: 1 } })
    expect((await acme.api('get', '/v1/agents/worker')).body).toMatchObject({ status: 'suspended', epoch: 1 })
    expect((await acme.api('post', '/v1/agents/worker/suspend')).body.code).toBe('already_ended')

    expect((await acme.api('post', '/v1/agents/worker/resume')).body).toMatchObject({ status: 'active', epoch: 1 })
    expect((await acme.api('post', '/v1/agents/worker/resume')).body.code).toBe('conflict')

    const bob = (await acme.api('post', '/v1/people', { name: 'Bob' })).body.id
    expect((await acme.api('put', '/v1/agents/worker/owner', { owner: bob })).body.owner).toBe(bob)

    await acme.api('post', '/v1/agents/worker/suspend')
    expect((await acme.api('post', '/v1/agents/worker/retire')).status).toBe(200)
    expect((await acme.api('get', '/v1/agents/worker')).body.status).toBe('retired')
    for (const [method, path, body] of [
      ['post', 'resume', undefined],
      ['post', 'suspend', undefined],
      ['post', 'retire', undefined],
      ['put', 'owner', { owner: ada }],
    ] as const) {
      expect((await acme.api(method, `/v1/agents/worker/${path}`, body)).body.code).toBe('already_ended')
    }
    expect((await acme.api('patch', '/v1/agents/worker', { version: '2' })).body.code).toBe('already_ended')
  })

  test('a kill switch pulled elsewhere shows in the record, and a retired agent cannot be restored there', async () => {
    const { id } = (await acme.api('post', '/v1/agents', { handle: 'killed', owner: ada, purpose: 'Is killed.' })).body
    expect((await acme.api('post', '/v1/revocations', { id, cause: 'compromised' })).status).toBe(200)
    expect((await acme.api('get', `/v1/agents/${id}`)).body.status).toBe('suspended')
    await acme.api('post', `/v1/agents/${id}/retire`)
    expect((await acme.api('post', '/v1/revocations/restore', { id })).status).toBe(409)
    expect((await acme.api('get', `/v1/agents/${id}`)).body.status).toBe('retired')
  })

  test('a change of the record leaves out what stays', async () => {
    await acme.api('post', '/v1/agents', { handle: 'changing', owner: ada, purpose: 'Before.' })
    const changed = await acme.api('patch', '/v1/agents/changing', { purpose: 'After.', capabilities: ['repo:read'] })
    expect(changed.body).toMatchObject({ purpose: 'After.', version: '1', capabilities: ['repo:read'] })
  })

  test('an instance has its own identity, key, version and lifetime', async () => {
    await acme.api('post', '/v1/agents', { handle: 'many', owner: ada, purpose: 'Runs many times.' })
    const jwk = publicJwk()
    const started = await acme.api('post', '/v1/agents/many/instances', { jwk, version: '7.1', lifetime_seconds: 3600 })
    expect(started.status).toBe(201)
    expect(started.body.spiffe_id).toBe(`spiffe://acme.credence.example/agent/many/${started.body.id}`)
    expect(started.body.expires_at).toBeGreaterThan(Date.now() / 1000 + 3500)
    expect((await acme.api('get', '/v1/agents/many/instances')).body.items).toMatchObject([
      { id: started.body.id, version: '7.1', alive: true },
    ])
    const again = await acme.api('post', '/v1/agents/many/instances', { jwk })
    expect(again.body.code).toBe('key_taken')
  })

  test('credentials overlap, are shown once, keep to the policy, and end for good', async () => {
    await acme.api('post', '/v1/agents', {
      handle: 'keeper',
      owner: ada,
      purpose: 'Keeps credentials.',
      credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'], max_lifetime_seconds: 86_400 },
    })
    const path = '/v1/agents/keeper/credentials'
    const key = await acme.api('post', path, { kind: 'public_key', jwk: publicJwk() })
    const secret = await acme.api('post', path, { kind: 'client_secret' })
    const apiKey = await acme.api('post', path, { kind: 'api_key', scope: ['repo:read'] })
    expect([key.status, secret.status, apiKey.status]).toEqual([201, 201, 201])
    expect(key.body.secret).toBeUndefined()
    expect(secret.body.secret).toMatch(/^credence_cs_[\w-]{22}_[\w-]{43}$/)
    expect(apiKey.body.secret).toMatch(/^credence_ak_[\w-]{22}_[\w-]{43}$/)
    expect(key.body.expires_at).toBeLessThanOrEqual(Date.now() / 1000 + 86_401)

    const listed = await acme.api('get', path)
    expect(listed.body.items).toHaveLength(3)
    expect(JSON.stringify(listed.body)).not.toContain('credence_')

    expect((await acme.api('post', path, { kind: 'api_key' })).body.code).toBe('validation_failed')
    const beyond = Math.floor(Date.now() / 1000) + 100_000
    expect((await acme.api('post', path, { kind: 'client_secret', expires_at: beyond })).body.code).toBe(
      'validation_failed',
    )

    const gone = await acme.api('delete', `${path}/${secret.body.id}?cause=leaked&wait_ms=50`)
    expect(gone).toMatchObject({ status: 200, body: { id: secret.body.id, cause: 'leaked', ...threeMoments } })
    expect((await acme.api('delete', `${path}/${secret.body.id}`)).body.code).toBe('already_ended')
    const ended = (await acme.api('get', path)).body.items.filter((item: { ended_at_ms?: number }) => item.ended_at_ms)
    expect(ended).toMatchObject([{ id: secret.body.id }])
  })

  test('a kind of credential that the policy does not name is refused, and so is a private key', async () => {
    await acme.api('post', '/v1/agents', { handle: 'strict', owner: ada, purpose: 'Has keys only.' })
    const path = '/v1/agents/strict/credentials'
    expect((await acme.api('post', path, { kind: 'client_secret' })).body.code).toBe('credential_kind_refused')
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    expect((await acme.api('post', path, { kind: 'public_key', jwk })).body.code).toBe('key_unusable')
    expect((await acme.api('post', path, { kind: 'public_key', jwk: { kty: 'oct', k: 'AAAA' } })).body.code).toBe(
      'key_unusable',
    )
  })

  test('a person has keys; enrolment is on record; a key that ended is never enrolled again', async () => {
    const jwk = publicJwk()
    const key = await acme.api('post', `/v1/people/${ada}/keys`, { jwk })
    expect(key.status).toBe(201)
    const person = await acme.api('get', `/v1/people/${ada}`)
    expect(person.body.keys).toMatchObject([{ id: key.body.id, kid: key.body.kid }])
    const gone = await acme.api('delete', `/v1/people/${ada}/keys/${key.body.id}`)
    expect(gone).toMatchObject({ status: 200, body: { id: key.body.id, cause: 'ended', ...threeMoments } })
    expect((await acme.api('post', `/v1/people/${ada}/keys`, { jwk })).body.code).toBe('key_taken')
    expect((await acme.api('get', `/v1/people/${ada}`)).body.keys[0].ended_at_ms).toBeTypeOf('number')
  })

  test('a suspended person is seen to be, alone and in lists, until restored', async () => {
    const { id } = (await acme.api('post', '/v1/people', { name: 'Sue' })).body
    const seen = async () => {
      const listed = (await acme.api('get', '/v1/people?limit=100')).body.items
      const inList = listed.find((item: { id: string }) => item.id === id)
      return [(await acme.api('get', `/v1/people/${id}`)).body.status, inList.status]
    }
    expect(await seen()).toEqual(['active', 'active'])
    expect((await acme.api('post', '/v1/revocations', { id, cause: 'left' })).status).toBe(200)
    expect(await seen()).toEqual(['suspended', 'suspended'])
    expect((await acme.api('get', `/v1/people/${ada}`)).body.status).toBe('active')
    expect((await acme.api('post', '/v1/revocations/restore', { id })).status).toBe(200)
    expect(await seen()).toEqual(['active', 'active'])
  })

  test("a person's permissions change, and the record says so without saying whose", async () => {
    const permissions = [{ resource: 'https://code.example/api', scope: 'repo:read pr:write:*' }]
    const changed = await acme.api('patch', `/v1/people/${ada}`, { permissions })
    expect(changed.body).toMatchObject({ name: 'Ada', permissions })
    const records = async () => (await acme.api('get', '/v1/audit/records?type=person.changed')).body.records
    await expect.poll(async () => (await records()).length).toBe(1)
    const [{ leaf }] = await records()
    expect(leaf).toMatchObject({ subject: ada, commitments: { change: expect.any(String) } })
    expect(JSON.stringify(leaf)).not.toContain('repo:read')
  })

  test('a resource is registered, changed and listed', async () => {
    const registered = await acme.api('post', '/v1/resources', {
      audience: 'https://code.example/api',
      name: 'Code',
      scopes: ['repo:read', 'pr:write:*'],
      tools: [{ name: 'open_pr', scope: 'pr:write:draft' }],
    })
    expect(registered.status).toBe(201)
    expect(registered.body).toMatchObject({
      kind: 'api',
      proof_mode: 'required',
      max_staleness_ms: 10_000,
      operator: null,
    })
    const path = `/v1/resources/${registered.body.id}`
    const changed = await acme.api('patch', path, { max_staleness_ms: 5_000, harmless_scopes: ['repo:read'] })
    expect(changed.body).toMatchObject({ max_staleness_ms: 5_000, harmless_scopes: ['repo:read'], name: 'Code' })
    expect((await acme.api('get', path)).body).toEqual(changed.body)
    expect((await acme.api('patch', path, { scopes: ['repo:read'] })).body.code).toBe('validation_failed')
    const mcp = await acme.api('post', '/v1/resources', {
      audience: 'https://tools.example/mcp',
      kind: 'mcp',
      name: 'Tools',
      scopes: ['tool:use'],
    })
    expect(mcp.body.proof_mode).toBe('optional')
  })

  test('an audience is one spelling of one URI, registered once, and never the authority itself', async () => {
    const register = (audience: string) => acme.api('post', '/v1/resources', { audience, name: 'X', scopes: ['a'] })
    expect((await register('https://twice.example')).status).toBe(201)
    expect((await register('https://twice.example')).body.code).toBe('audience_taken')
    for (const audience of [
      'http://far.example',
      'https://A.example',
      'https://a.example/#x',
      'urn:x',
      'https://u@a.example',
    ]) {
      expect((await register(audience)).body.code).toBe('audience_invalid')
    }
    expect((await register(`${acme.issuer}/v1`)).body.code).toBe('audience_invalid')
    const operator = 'agt_AAAAAAAAAAAAAAAAAAAAAA'
    const body = { audience: 'https://run.example', name: 'X', scopes: ['a'], operator }
    expect((await acme.api('post', '/v1/resources', body)).body.code).toBe('operator_unknown')
  })

  test('administrators are added and ended, but nobody ends itself', async () => {
    const second = await acme.api('post', '/v1/administrators', { name: 'Second' })
    expect(second.body.secret).toMatch(/^credence_adm_[\w-]{22}_[\w-]{43}$/)
    const { items } = (await acme.api('get', '/v1/administrators')).body
    expect(items).toHaveLength(2)
    expect(JSON.stringify(items)).not.toContain('credence_adm')
    const first = items.find(({ id }: { id: string }) => id !== second.body.id)
    expect((await acme.api('delete', `/v1/administrators/${first.id}`)).body.code).toBe('conflict')
    // Nobody but the authority ever asked for its secret: it has ended everywhere at once.
    const gone = await acme.api('delete', `/v1/administrators/${second.body.id}`)
    expect(gone).toMatchObject({ status: 200, body: { id: second.body.id, ...threeMoments } })
    expect(gone.body.last_token_expired_by_ms).toBe(gone.body.committed_at_ms)
    const late = await fetch(`${acme.issuer}/v1/agents`, { headers: { authorization: `Bearer ${second.body.secret}` } })
    expect(late.status).toBe(401)
  })

  test('lists are paged by cursors that are good for that list only', async () => {
    const globex = await authority.createOrganization('globex')
    for (const organization of [acme, globex]) {
      for (let n = 0; n < 5; n += 1) await organization.api('post', '/v1/people', { name: `P${n}` })
    }
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const { body } = await globex.api('get', `/v1/people?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      seen.push(...body.items.map(({ name }: { name: string }) => name))
      cursor = body.next_cursor
    } while (cursor)
    expect(seen.sort()).toEqual(['P0', 'P1', 'P2', 'P3', 'P4'])

    const { next_cursor } = (await acme.api('get', '/v1/people?limit=2')).body
    expect((await acme.api('get', `/v1/people?limit=3&cursor=${next_cursor}`)).status).toBe(200)
    expect((await globex.api('get', `/v1/people?cursor=${next_cursor}`)).body.code).toBe('cursor_invalid')
    expect((await acme.api('get', `/v1/administrators?cursor=${next_cursor}`)).body.code).toBe('cursor_invalid')
    const forged = `${next_cursor.slice(0, -1)}${next_cursor.endsWith('A') ? 'E' : 'A'}`
    expect((await acme.api('get', `/v1/people?cursor=${forged}`)).body.code).toBe('cursor_invalid')
    const agents = (await acme.api('get', `/v1/agents?limit=1&owner=${ada}`)).body.next_cursor
    expect((await acme.api('get', `/v1/agents?limit=1&cursor=${agents}`)).body.code).toBe('cursor_invalid')
  })
})
