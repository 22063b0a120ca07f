import { generateKeyPairSync } from 'node:crypto'
import {
  base64url,
  importPublicKey,
  type JsonObject,
  verifyInclusion,
  verifyLog,
  verifyLogHead,
} from '@credence/protocol'
import { AgentKey, createAgent } from '@credence/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { made } from '../revocation/enforcement_point.ts'

// biome-ignore lint/suspicious/noExplicitAny: what a test expects of an answer is what it tests.
type Served = any

let authority: TestAuthority
let acme: TestOrganization
/** What must not be found in any record, with what it is. */
const secrets = new Map<string, string>()
/** What may lie beside the log, but never in a leaf. */
const personal = ['Ada Canary', 'Bob Canary', 'a story about somebody', 'Canary purpose.']
/** Routes that were called and seen to leave their records. */
const covered = new Set<string>()

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  secrets.set(authority.installationSecret, 'installation administrator')
  secrets.set(acme.administratorSecret, 'administrator')
})
afterAll(() => authority.stop())

async function recordsAfter(position: number, query = '', organization = acme): Promise<Served[]> {
  const records: Served[] = []
  for (let after: number | undefined = position; after !== undefined; ) {
    const page: Served = await made(organization.api('get', `/v1/audit/records?after=${after}&limit=50${query}`))
    records.push(...page.records)
    after = page.next_after
  }
  return records
}

const lastPosition = async () => ((await made(acme.api('get', '/v1/audit/head'))).size as number) - 1

/** Calls something, and sees that it left records of these types, and no others. */
async function leaves<T>(types: string[], route: string, act: () => Promise<T>): Promise<T> {
  const before = await lastPosition()
  const result = await act()
  const records = await recordsAfter(before)
  expect([route, records.map(({ leaf }) => leaf.type)]).toEqual([route, types])
  covered.add(route)
  return result
}

function publicJwk() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
}

/** Remembers every credential that goes over the wire. */
const listening: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers)
  for (const name of ['authorization', 'dpop']) {
    const sent = headers.get(name)?.split(' ').at(-1)
    if (sent) secrets.set(sent, name)
  }
  const assertion = new URLSearchParams(String(init?.body ?? '')).get('client_assertion')
  if (assertion) secrets.set(assertion, 'client assertion')
  return fetch(input, init)
}

test('every change leaves exactly one record', async () => {
  const ada = await leaves(['person.registered'], 'post /v1/people', () =>
    made(
      acme.api('post', '/v1/people', {
        name: 'Ada Canary',
        permissions: [{ resource: 'https://api.example/', scope: 'repo:*' }],
      }),
    ),
  )
  await leaves(['person.changed'], 'patch /v1/people/{id}', () =>
    made(
      acme.api('patch', `/v1/people/${ada.id}`, {
        permissions: [{ resource: 'https://api.example/', scope: 'repo:read' }],
      }),
    ),
  )
  const bob = await made(acme.api('post', '/v1/people', { name: 'Bob Canary' }))
  const key = await leaves(['key.enrolled'], 'post /v1/people/{id}/keys', () =>
    made(acme.api('post', `/v1/people/${ada.id}/keys`, { jwk: publicJwk() })),
  )
  await leaves(['revocation.made'], 'delete /v1/people/{id}/keys/{key}', () =>
    made(acme.api('delete', `/v1/people/${ada.id}/keys/${key.id}`)),
  )

  const wanted = {
    handle: 'worker',
    owner: ada.id,
    purpose: 'Canary purpose.',
    capabilities: ['repo:*'],
    permissions: [{ resource: 'https://api.example/', scope: 'repo:read' }],
    credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'] },
  }
  const agent = await leaves(['agent.registered'], 'post /v1/agents', () =>
    made(acme.api('post', '/v1/agents', wanted)),
  )
  const at = `/v1/agents/${agent.id}`
  await leaves(['agent.changed'], 'patch /v1/agents/{id}', () => made(acme.api('patch', at, { version: '2' })))
  await leaves(['agent.changed'], 'put /v1/agents/{id}/owner', () =>
    made(acme.api('put', `${at}/owner`, { owner: bob.id })),
  )
  await leaves(['instance.started'], 'post /v1/agents/{id}/instances', () =>
    made(acme.api('post', `${at}/instances`, { jwk: publicJwk(), version: '2' })),
  )
  const agentKey = await AgentKey.generate()
  const add = (body: object) => made(acme.api('post', `${at}/credentials`, body))
  await leaves(['credential.added'], 'post /v1/agents/{id}/credentials', () =>
    add({ kind: 'public_key', jwk: agentKey.publicJwk }),
  )
  const secret = await add({ kind: 'client_secret' })
  const apiKey = await add({ kind: 'api_key', scope: ['repo:read'] })
  secrets.set(secret.secret, 'client secret')
  secrets.set(apiKey.secret, 'API key')
  await leaves(['revocation.made'], 'delete /v1/agents/{id}/credentials/{credential}', () =>
    made(acme.api('delete', `${at}/credentials/${secret.id}`)),
  )

  const api = { audience: 'https://api.example/', name: 'API', scopes: ['repo:*'], operator: agent.id }
  const resource = await leaves(['resource.registered'], 'post /v1/resources', () =>
    made(acme.api('post', '/v1/resources', api)),
  )
  await leaves(['resource.changed'], 'patch /v1/resources/{id}', () =>
    made(acme.api('patch', `/v1/resources/${resource.id}`, { name: 'The API' })),
  )
  const administrator = await leaves(['administrator.added'], 'post /v1/administrators', () =>
    made(acme.api('post', '/v1/administrators', { name: 'Second' })),
  )
  secrets.set(administrator.secret, 'administrator')
  await leaves(['administrator.ended'], 'delete /v1/administrators/{id}', () =>
    made(acme.api('delete', `/v1/administrators/${administrator.id}`)),
  )

  const delegation = await leaves(['delegation.registered'], 'post /v1/delegations', () =>
    made(
      acme.api('post', '/v1/delegations', {
        delegator: ada.id,
        delegate: agent.id,
        aud: [api.audience],
        scope: 'repo:read',
      }),
    ),
  )
  await leaves(['revocation.made'], 'post /v1/delegations/{id}/revoke', () =>
    made(acme.api('post', `/v1/delegations/${delegation.id}/revoke`)),
  )

  const running = createAgent({ issuer: acme.issuer, clientId: agent.client_id, key: agentKey, fetch: listening })
  const token = await leaves(['token.issued'], 'post /token', () =>
    running.token({ resource: api.audience, scope: 'repo:read' }),
  )
  secrets.set(token.value, 'access token')
  await leaves([], 'post /introspect', () => running.introspect(token.value))
  const { secret: client_secret } = await add({ kind: 'client_secret' })
  secrets.set(client_secret, 'client secret')
  await leaves(['revocation.made'], 'post /revoke', async () => {
    const body = new URLSearchParams({ client_id: agent.client_id, client_secret, token: token.value })
    expect((await fetch(`${acme.issuer}/revoke`, { method: 'POST', body })).status).toBe(200)
  })
  await running.token({ resource: `${acme.issuer}/v1`, scope: 'feed:read' })
  await leaves([], 'post /revocations/acknowledgements', async () => {
    const page = `${acme.issuer}/revocations?resource=${api.audience}&nonce=abcdefgh`
    const signed = { resource: `${acme.issuer}/v1`, scope: 'feed:read' }
    expect((await running.fetch(page, signed)).status).toBe(200)
    const body = JSON.stringify({ resource: api.audience, seq: 0 })
    const headers = { 'content-type': 'application/json' }
    const url = `${acme.issuer}/revocations/acknowledgements`
    expect((await running.fetch(url, { ...signed, method: 'POST', headers, body })).status).toBe(204)
  })

  await leaves(['revocation.made'], 'post /v1/revocations', () =>
    made(acme.api('post', '/v1/revocations', { id: agent.id, cause: 'compromised', note: 'a story about somebody' })),
  )
  await leaves(['standing.restored'], 'post /v1/revocations/restore', () =>
    made(acme.api('post', '/v1/revocations/restore', { id: agent.id })),
  )
  await leaves(['revocation.made'], 'post /v1/agents/{id}/suspend', () => made(acme.api('post', `${at}/suspend`)))
  await leaves(['standing.restored'], 'post /v1/agents/{id}/resume', () => made(acme.api('post', `${at}/resume`)))
  await leaves(['revocation.made'], 'post /v1/agents/{id}/retire', () => made(acme.api('post', `${at}/retire`)))

  // Two changes: it is prepared, and it is published.
  const next = await leaves(['signing_key.changed', 'signing_key.changed'], 'post /v1/signing-keys', () =>
    made(acme.api('post', '/v1/signing-keys')),
  )
  await leaves(['signing_key.changed'], 'post /v1/signing-keys/{id}/revoke', () =>
    made(acme.api('post', `/v1/signing-keys/${next.id}/revoke`)),
  )

  const globex = await authority.createOrganization('globex')
  secrets.set(globex.administratorSecret, 'administrator')
  const first = await recordsAfter(-1, '', globex)
  expect(first.map(({ leaf }) => leaf.type)).toEqual(['organization.created'])
  covered.add('post /v1/organizations')
  const deed = (what: string) =>
    made(call(authority.installationSecret, 'post', `${authority.origin}/v1/organizations/${acme.id}/${what}`, {}))
  await leaves(['revocation.made'], 'post /v1/organizations/{id}/suspend', () => deed('suspend'))
  await leaves(['standing.restored'], 'post /v1/organizations/{id}/resume', () => deed('resume'))
})

test('no route that changes something was left out', async () => {
  const { paths } = (await (await fetch(`${authority.origin}/openapi.json`)).json()) as {
    paths: Record<string, JsonObject>
  }
  const changing = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ['post', 'put', 'patch', 'delete'].includes(method))
      .map((method) => `${method} ${path.replace(/^\/o\/\{[a-z]+\}/, '')}`),
  )
  expect(changing.length).toBeGreaterThan(20)
  expect(changing.filter((route) => !covered.has(route))).toEqual([])
})

test('the log recomputes to its signed head, and each record is proven to be in it', async () => {
  const records = await recordsAfter(-1)
  const { signed, size, root } = await made(acme.api('get', '/v1/audit/head'))
  const { keys } = (await (await fetch(`${acme.issuer}/jwks`)).json()) as { keys: JsonObject[] }
  const known = await Promise.all(keys.map((jwk) => importPublicKey(jwk, jwk.kid as string)))
  const head = await verifyLogHead(signed, {
    issuer: acme.issuer,
    keys: (_issuer, kid) => known.find((key) => key.kid === kid),
  })
  expect(head).toMatchObject({ org: acme.id, size, root })
  await verifyLog(
    records.map(({ position, leaf_bytes }) => ({ position, leaf: leaf_bytes })),
    head,
  )
  const record = records[3]
  const { position, leaf_hash, proof } = await made(acme.api('get', `/v1/audit/records/${record.id}/proof`))
  const claim = {
    index: position,
    size: head.size,
    leafHash: base64url.decode(leaf_hash),
    root: base64url.decode(head.root),
  }
  expect(await verifyInclusion({ ...claim, proof: proof.map(base64url.decode) })).toBe(true)
})

test('no secret, token or proof is in any record or log line, and no person in any leaf', async () => {
  const records = await recordsAfter(-1)
  const written = JSON.stringify(records)
  const leavesText = records.map(({ leaf_bytes }) => new TextDecoder().decode(base64url.decode(leaf_bytes))).join('\n')
  const lines = authority.log.join('\n')
  expect(secrets.size).toBeGreaterThan(10)
  for (const [secret, what] of secrets) {
    expect([what, written.includes(secret)]).toEqual([what, false])
    expect([what, lines.includes(secret)]).toEqual([what, false])
    // Nor the part that matters, on its own.
    expect([what, written.includes(secret.slice(-32))]).toEqual([what, false])
  }
  for (const text of personal) {
    expect([text, leavesText.includes(text)]).toEqual([text, false])
    expect([text, lines.includes(text)]).toEqual([text, false])
  }
  expect(written).toContain('a story about somebody')
})

test('records are found by agent, task, type and delegation, and only in their own organization', async () => {
  const agents = (await made(acme.api('get', '/v1/agents'))).items
  const byAgent = await recordsAfter(-1, `&agent=${agents[0].id}`)
  expect(byAgent.map(({ leaf }) => leaf.type)).toContain('token.issued')
  expect(byAgent.every(({ leaf }) => [leaf.agent, leaf.by, leaf.subject].includes(agents[0].id))).toBe(true)
  const byType = await recordsAfter(-1, '&type=standing.restored')
  expect(byType).toHaveLength(3)
  const delegation = (await made(acme.api('get', '/v1/delegations'))).items[0]
  expect((await recordsAfter(-1, `&delegation=${delegation.id}`)).map(({ leaf }) => leaf.type)).toContain(
    'revocation.made',
  )
  const globex = await authority.createOrganization('initech')
  const [foreign] = await recordsAfter(-1)
  expect((await globex.api('get', `/v1/audit/records/${foreign.id}/proof`)).status).toBe(404)
  expect(await recordsAfter(0, '', globex)).toEqual([])
})

test('refusals at the door are counted, and become one record for each cause', async () => {
  for (let n = 0; n < 3; n++) await fetch(`${acme.issuer}/v1/agents`)
  await authority.restart()
  const counted = await recordsAfter(-1, '&type=refusals.counted')
  const unauthorized = counted.filter(({ leaf }) => leaf.reasons.includes('unauthorized'))
  expect(unauthorized.reduce((sum, { leaf }) => sum + leaf.count, 0)).toBeGreaterThanOrEqual(3)
})
