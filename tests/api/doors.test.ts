import { endpoints } from '@credence/authority'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'

let authority: TestAuthority
let acme: TestOrganization
let globex: TestOrganization

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'globex'] })
  acme = authority.organizations.acme as TestOrganization
  globex = authority.organizations.globex as TestOrganization
})
afterAll(() => authority.stop())

/** Every row whose caller must be known, and where it is for acme. */
const closed = endpoints
  .filter(({ door }) => door !== 'public')
  .map((endpoint) => ({
    ...endpoint,
    name: `${endpoint.method.toUpperCase()} ${endpoint.path}`,
    url: () => `${endpoint.at === 'origin' ? authority.origin : acme.issuer}${filled(endpoint.path)}`,
  }))

/** Ids that are well formed and name nothing. */
function filled(path: string): string {
  const ids: Record<string, string> = { key: 'crd', credential: 'crd', '/v1/people': 'psn', '/v1/agents': 'agt' }
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const prefix = ids[name] ?? ids[path.split('/').slice(0, 3).join('/')] ?? prefixOf(path)
    return `${prefix}_AAAAAAAAAAAAAAAAAAAAAA`
  })
}

function prefixOf(path: string): string {
  if (path.startsWith('/v1/resources')) return 'rsc'
  if (path.startsWith('/v1/delegations')) return 'dlg'
  if (path.startsWith('/v1/administrators')) return 'adm'
  if (path.startsWith('/v1/signing-keys')) return 'sgk'
  return 'aud'
}

/** Sends a request to a row with this secret, or with none; an OAuth row gets a form. */
async function knock(row: (typeof closed)[number], secret: string | undefined): Promise<Answer> {
  if (row.bodyType !== 'form') return call(secret, row.method, row.url(), row.body ? {} : undefined)
  const response = await fetch(row.url(), {
    method: 'POST',
    headers: { ...(secret !== undefined && { authorization: `Bearer ${secret}` }) },
    body: new URLSearchParams({ grant_type: 'client_credentials', token: 'x', resource: 'https://x.example' }),
  })
  return { status: response.status, body: await response.json(), headers: response.headers }
}

describe.each(closed)('$name', (row) => {
  test('is refused without credentials', async () => {
    const answer = await knock(row, undefined)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    if (row.door !== 'client') expect(answer.headers.get('www-authenticate')).toMatch(/^(Bearer|DPoP) /)
  })

  test("is refused to another organization's administrator", async () => {
    const answer = await knock(row, globex.administratorSecret)
    expect(answer.status).toBe(401)
    expect(JSON.stringify(answer.body)).not.toContain(globex.administratorSecret)
  })

  const wrongLevel =
    row.door === 'installation' ? "an organization's own administrator" : "the installation's administrator"
  test(`is refused to ${wrongLevel}`, async () => {
    const secret = row.door === 'installation' ? acme.administratorSecret : authority.installationSecret
    expect((await knock(row, secret)).status).toBe(401)
  })

  test('is refused with a secret that is wrong in one character', async () => {
    const right = row.door === 'installation' ? authority.installationSecret : acme.administratorSecret
    const wrong = `${right.slice(0, -1)}${right.endsWith('A') ? 'E' : 'A'}`
    expect((await knock(row, wrong)).status).toBe(401)
  })
})

test("another organization's things are as absent as those that never were", async () => {
  const person = (await acme.api('post', '/v1/people', { name: 'Ada' })).body.id
  const agent = (await acme.api('post', '/v1/agents', { handle: 'a', owner: person, purpose: 'Is.' })).body.id
  const resource = { audience: 'https://a.example', name: 'A', scopes: ['a'] }
  const registered = (await acme.api('post', '/v1/resources', resource)).body.id
  const nothing = (id: string) => `${id.slice(0, 4)}AAAAAAAAAAAAAAAAAAAAAA`
  for (const [path, id] of [
    ['people', person],
    ['agents', agent],
    ['resources', registered],
  ] as const) {
    expect((await acme.api('get', `/v1/${path}/${id}`)).status).toBe(200)
    const theirs = await globex.api('get', `/v1/${path}/${id}`)
    const nobodys = await globex.api('get', `/v1/${path}/${nothing(id)}`)
    expect([theirs.status, theirs.body]).toEqual([nobodys.status, nobodys.body])
    expect(theirs.status).toBe(404)
  }
  expect((await globex.api('get', '/v1/agents/a')).status).toBe(404)
  const stolen = { handle: 'b', owner: person, purpose: 'Is.' }
  expect((await globex.api('post', '/v1/agents', stolen)).body.code).toBe('owner_unknown')
})

test('an organization answers at its own issuer only', async () => {
  expect((await call(acme.administratorSecret, 'get', `${authority.origin}/v1/agents`)).status).toBe(404)
  expect((await call(acme.administratorSecret, 'get', `${authority.origin}/o/ACME/v1/agents`)).status).toBe(404)
  const unknown = await call(acme.administratorSecret, 'get', `${authority.origin}/o/initech/v1/agents`)
  expect([unknown.status, unknown.body.code]).toEqual([404, 'organization_unknown'])
})

test('the first secret of the installation makes organizations, and a handle is taken once', async () => {
  const again = await call(authority.installationSecret, 'post', `${authority.origin}/v1/organizations`, {
    handle: 'acme',
  })
  expect(again.body.code).toBe('handle_taken')
  const { body } = await call(authority.installationSecret, 'get', `${authority.origin}/v1/organizations`)
  expect(body.items.map(({ handle }: { handle: string }) => handle).sort()).toEqual(['acme', 'globex'])
  expect(JSON.stringify(body)).not.toContain('credence_adm')
  const url = `${authority.origin}/v1/organizations?limit=1`
  const first = await call(authority.installationSecret, 'get', url)
  const second = await call(authority.installationSecret, 'get', `${url}&cursor=${first.body.next_cursor}`)
  expect([...first.body.items, ...second.body.items]).toEqual(body.items)
  expect(second.body.next_cursor).toBeUndefined()
})
