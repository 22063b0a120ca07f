// Client libraries that others wrote and certified, against our authority; and one of them as the resource server.

import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, accessTokenType, type Cast, castOf, delegationType, exchangeGrant, type Person } from '../cast.ts'

const api = 'https://api.example/'
let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let ada: Person
let reader: Agent
let keys: CryptoKeyPair

const insecure = { [oauth.allowInsecureRequests]: true }

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada', [{ resource: api, scope: 'repo:read' }])
  reader = await cast.agent('reader', ada, {
    capabilities: ['repo:*'],
    permissions: [{ resource: api, scope: 'repo:read repo:write' }],
    credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'] },
  })
  await cast.resource(api, ['repo:read', 'repo:write'], { operator: reader.id })
  keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const jwk = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const added = await acme.api('post', `/v1/agents/${reader.id}/credentials`, {
    kind: 'public_key',
    jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid: 'mine' },
  })
  expect(added.status).toBe(201)
})
afterAll(() => authority.stop())

async function secretOf(kind: 'client_secret' | 'api_key'): Promise<string> {
  const { body } = await acme.api('post', `/v1/agents/${reader.id}/credentials`, { kind, scope: ['repo:read'] })
  return body.secret
}

describe('oauth4webapi', () => {
  const issuer = () => new URL(acme.issuer)
  const discovered = async () =>
    oauth.processDiscoveryResponse(
      issuer(),
      await oauth.discoveryRequest(issuer(), { ...insecure, algorithm: 'oauth2' }),
    )
  const me = (): oauth.Client => ({ client_id: reader.clientId })
  const privateKey = () => oauth.PrivateKeyJwt({ key: keys.privateKey, kid: 'mine' })

  test('finds the metadata, below the issuer and inserted into its path', async () => {
    const inserted = await discovered()
    const below = await oauth.discoveryRequest(issuer(), { ...insecure, algorithm: 'oidc' })
    expect(await oauth.processDiscoveryResponse(issuer(), below)).toEqual(inserted)
    expect(inserted).toMatchObject({
      issuer: acme.issuer,
      token_endpoint: `${acme.issuer}/token`,
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'RS256'],
    })
    expect(inserted.grant_types_supported).toEqual(['client_credentials', exchangeGrant])
    const third = await fetch(`${authority.origin}/.well-known/openid-configuration/o/acme`)
    expect(await third.json()).toEqual(inserted)
  })

  test('gets a bound token with private_key_jwt, and validates it, with its proof, as a resource server', async () => {
    const as = await discovered()
    const proofKeys = await oauth.generateKeyPair('ES256')
    const DPoP = oauth.DPoP(me(), proofKeys)
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      me(),
      privateKey(),
      { resource: api, scope: 'repo:read' },
      { ...insecure, DPoP },
    )
    const result = await oauth.processClientCredentialsResponse(as, me(), response)
    expect(result).toMatchObject({ token_type: 'dpop', scope: 'repo:read', expires_in: 300 })

    let sent: Request | undefined
    await oauth.protectedResourceRequest(result.access_token, 'GET', new URL(api), undefined, undefined, {
      DPoP,
      [oauth.customFetch]: async (url, options) => {
        sent = new Request(url, options as RequestInit)
        return new Response()
      },
    })
    const claims = await oauth.validateJwtAccessToken(as, sent as Request, api, { ...insecure, requireDPoP: true })
    expect(claims).toMatchObject({ sub: reader.clientId, client_id: reader.clientId, scope: 'repo:read' })
    await expect(
      oauth.validateJwtAccessToken(as, sent as Request, 'https://other.example/', insecure),
    ).rejects.toThrow()
  })

  test('introspects as the operator, and revokes', async () => {
    const as = await discovered()
    const token = await cast.token(reader, api)
    const introspect = async () =>
      oauth.processIntrospectionResponse(
        as,
        me(),
        await oauth.introspectionRequest(as, me(), privateKey(), token, insecure),
      )
    expect(await introspect()).toMatchObject({ active: true, aud: api, token_type: 'DPoP' })
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, me(), privateKey(), token, insecure))
    expect(await introspect()).toEqual({ active: false })
  })

  test.each([
    ['client_secret_basic', oauth.ClientSecretBasic],
    ['client_secret_post', oauth.ClientSecretPost],
  ])('authenticates with %s, within the secret’s scope', async (_name, way) => {
    const as = await discovered()
    const auth = way(await secretOf('client_secret'))
    const DPoP = oauth.DPoP(me(), await oauth.generateKeyPair('ES256'))
    const ask = async (scope: string) =>
      oauth.processClientCredentialsResponse(
        as,
        me(),
        await oauth.clientCredentialsGrantRequest(as, me(), auth, { resource: api, scope }, { ...insecure, DPoP }),
      )
    expect((await ask('repo:read')).scope).toBe('repo:read')
    await expect(ask('repo:write')).rejects.toMatchObject({ error: 'invalid_scope' })
  })
})

describe('openid-client', () => {
  const configuration = () =>
    client.discovery(
      new URL(acme.issuer),
      reader.clientId,
      undefined,
      client.PrivateKeyJwt({ key: keys.privateKey, kid: 'mine' }),
      { execute: [client.allowInsecureRequests] },
    )

  test('discovers, and gets a token for the agent itself', async () => {
    const config = await configuration()
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const tokens = await client.clientCredentialsGrant(config, { resource: api }, { DPoP })
    expect(tokens).toMatchObject({ token_type: 'dpop', scope: 'repo:read repo:write' })
  })

  test('exchanges a delegation, with a key of another kind', async () => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: reader.clientId, aud: [api], scope: 'repo:read' },
    )
    const config = await configuration()
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('Ed25519'))
    const parameters = { subject_token: chain.join('~'), subject_token_type: delegationType, resource: api }
    const tokens = await client.genericGrantRequest(config, exchangeGrant, parameters, { DPoP })
    expect(tokens).toMatchObject({ issued_token_type: accessTokenType, scope: 'repo:read', token_type: 'dpop' })
    const introspected = await client.tokenIntrospection(config, tokens.access_token)
    expect(introspected).toMatchObject({ active: true, sub: ada.id, act: { sub: reader.clientId } })
  })
})

test('an API key gets a token, within its scope', async () => {
  const key = await secretOf('api_key')
  const mcp = 'https://mcp.example/'
  await cast.resource(mcp, ['repo:read'], { kind: 'mcp' })
  const changed = await acme.api('patch', `/v1/agents/${reader.id}`, {
    permissions: [
      { resource: api, scope: 'repo:read repo:write' },
      { resource: mcp, scope: 'repo:read' },
    ],
  })
  expect(changed.status).toBe(200)
  const response = await fetch(`${acme.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: mcp }),
  })
  expect(await response.json()).toMatchObject({ token_type: 'Bearer', scope: 'repo:read' })
})

test('the key set may be cached, and holds no private member', async () => {
  const response = await fetch(`${acme.issuer}/jwks`)
  expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/)
  const { keys: shown } = (await response.json()) as { keys: object[] }
  expect(shown).toHaveLength(1)
  expect(Object.keys(shown[0] as object).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})
