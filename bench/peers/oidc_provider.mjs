/**
 * The peer for tokens per second: oidc-provider with its in-memory adapter, `client_credentials`, `private_key_jwt`, ES256
 * JWT access tokens, DPoP allowed. Runs as a process of its own; prints one JSON line when it listens.
 */
import { readFileSync } from 'node:fs'
import { Provider } from 'oidc-provider'

const { clientId, clientJwk, signingJwk, audience, scope } = JSON.parse(readFileSync(0, 'utf8'))

const issuer = 'http://127.0.0.1'
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      jwks: { keys: [clientJwk] },
    },
  ],
  jwks: { keys: [signingJwk] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => ({
        scope,
        audience,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})

const server = provider.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  process.stdout.write(`${JSON.stringify({ issuer, tokenEndpoint: `http://127.0.0.1:${address.port}/token` })}\n`)
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))
