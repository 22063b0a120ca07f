// Pages in a browser, and texts that no store holds.

import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { postgresMissing } from '../postgres.ts'

let authority: TestAuthority
let dev: TestOrganization

beforeAll(async () => {
  authority = await startTestAuthority({ mode: 'dev' })
  dev = authority.dev as TestOrganization
})
afterAll(() => authority.stop())

/** As a browser would send it: fetch sets no Host. */
function send(method: string, path: string, headers: Record<string, string>) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; code: string }>()
  const sent = request({ host: '127.0.0.1', port: authority.settings.port, method, path, headers }, (answer) => {
    let text = ''
    answer.on('data', (data) => {
      text += data
    })
    const code = () => (text.startsWith('{') ? (JSON.parse(text).code ?? JSON.parse(text).error_code) : text)
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, code: code() }))
  })
  sent.on('error', reject)
  sent.end()
  return promise
}

describe('a page', () => {
  const bearer = () => ({ authorization: `Bearer ${dev.administratorSecret}` })

  test('under a host name of its own reads nothing from this machine', async () => {
    for (const path of ['/.well-known/oauth-authorization-server', '/v1/agents', '/healthz', '/nothing']) {
      const answer = await send('GET', path, { host: 'evil.example', origin: 'http://evil.example', ...bearer() })
      expect([path, answer]).toEqual([path, { status: 421, code: 'host_unknown' }])
    }
    expect((await send('GET', '/v1/agents', { host: 'localhost:1', ...bearer() })).status).toBe(200)
  })

  test('changes nothing, with whatever it has in hand', async () => {
    for (const origin of ['http://evil.example', 'null']) {
      const headers = { host: 'localhost', origin, ...bearer() }
      expect(await send('POST', '/v1/people', headers)).toEqual({ status: 403, code: 'origin_foreign' })
      expect(await send('POST', '/revoke', headers)).toEqual({ status: 403, code: 'origin_foreign' })
    }
  })

  test('is told the headers of public documents, and opens nothing with them', async () => {
    const head = await fetch(`${dev.issuer}/jwks`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      (await fetch(`${dev.issuer}/jwks`)).headers.get('content-type'),
      '',
    ])
    for (const path of ['/v1/agents', '/revocations', '/revocations/stream']) {
      const answer = await fetch(`${dev.issuer}${path}`, { method: 'HEAD', headers: bearer() })
      expect([path, answer.status]).toEqual([path, 405])
    }
  })
})

describe.each(['sqlite', 'postgres'] as const)('a text that no store holds, on %s', (store) => {
  test('is nothing that exists, and never an error of ours', async (context) => {
    const missing = store === 'postgres' && postgresMissing()
    if (missing) context.skip(missing)
    const own = await startTestAuthority({ store, organizations: ['acme'] })
    try {
      const acme = own.organizations.acme as TestOrganization
      const { origin } = own
      const get = async (url: string, secret?: string) => (await call(secret, 'get', url)).body.code
      expect(await get(`${origin}/o/a%00b/jwks`)).toBe('organization_unknown')
      expect(await get(`${origin}/o/A/jwks`)).toBe('organization_unknown')
      expect(await get(`${acme.issuer}/v1/delegators/a%00/keys/k`)).toBe('not_found')
      const admin = acme.administratorSecret
      expect(await get(`${acme.issuer}/v1/agents/a%00`, admin)).toBe('not_found')
      expect(await get(`${acme.issuer}/v1/agents?owner=a%00`, admin)).toBe('malformed')

      const post = async (fields: Record<string, string>) => {
        const answer = await fetch(`${acme.issuer}/token`, { method: 'POST', body: new URLSearchParams(fields) })
        return [answer.status, ((await answer.json()) as { error_code: string }).error_code]
      }
      const secret = { grant_type: 'client_credentials', client_secret: 'x' }
      expect(await post({ ...secret, client_id: 'a\0' })).toEqual([400, 'malformed'])
      expect(await post({ ...secret, client_id: 'a', unknown: '\u0007' })).toEqual([400, 'malformed'])

      // Inside an assertion, where no form is looked through.
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const id = 'spiffe://a\0/agent/b'
      const exp = Math.floor(Date.now() / 1000) + 60
      const claims = { iss: id, sub: id, aud: acme.issuer, jti: 'j\0', iat: exp - 60, exp }
      const assertion = `${part({ alg: 'ES256', typ: 'JWT', kid: 'k\0' })}.${part(claims)}.${'A'.repeat(86)}`
      const asserted = { grant_type: 'client_credentials', client_assertion: assertion }
      const kind = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      const [status] = await post({ ...asserted, client_assertion_type: kind })
      expect(status).toBe(401)

      for (const body of [
        { handle: 'a\0', owner: 'psn_\0', purpose: 'x' },
        { name: 'Ada', permissions: [{ resource: 'https://a.example/\0', scope: 'a' }] },
      ]) {
        for (const path of ['/v1/agents', '/v1/people', '/v1/revocations', '/v1/resources']) {
          expect((await acme.api('post', path, body)).status).toBeLessThan(500)
        }
      }
      expect(own.log.filter((line) => JSON.parse(line).status >= 500)).toEqual([])
    } finally {
      await own.stop()
    }
  })
})
