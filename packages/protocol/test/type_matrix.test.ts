import { expect, test } from 'vitest'
import { type AccessTokenClaims, signAccessToken, verifyAccessToken } from '../src/access_token.ts'
import { signClientAssertion, verifyClientAssertion } from '../src/client_assertion.ts'
import { createDpopProof, verifyDpopProof } from '../src/dpop.ts'
import { newId } from '../src/identifiers.ts'
import { generateSigningKey, importPublicKey } from '../src/keys.ts'
import { forge } from './forge.ts'
import { outcome } from './outcome.ts'

// A23. One key for everything, one set of claims that would satisfy every verifier: only the type is left to tell
// objects apart.
const key = await generateSigningKey('ES256')
const publicKey = await importPublicKey(key.publicJwk)
const now = 1_790_000_000
const issuer = 'https://id.example'
const client = 'spiffe://id.example/agent/bot'
const org = newId('org')
const agent = newId('agt')
const url = `${issuer}/token`
const claims: AccessTokenClaims = {
  iss: issuer,
  aud: issuer,
  sub: client,
  client_id: client,
  jti: newId('tok'),
  iat: now,
  exp: now + 60,
  scope: 'a',
  org,
  agent,
  lineage: [
    [org, 0],
    [agent, 0],
  ],
}

const made: Record<string, string> = {
  'access token': await signAccessToken(key, claims),
  'client assertion': await signClientAssertion(key, { clientId: client, issuer, now }),
  'DPoP proof': await createDpopProof(key, { method: 'POST', url, now }),
}

const verifiers: Record<string, (compact: string) => Promise<unknown>> = {
  'access token': (compact) =>
    verifyAccessToken(compact, { keys: () => publicKey, issuers: () => true, audience: issuer, now }),
  'client assertion': (compact) => verifyClientAssertion(compact, { issuer, now, keyOf: async () => publicKey }),
  'DPoP proof': (compact) => verifyDpopProof(compact, { method: 'POST', url, now }),
}

const pairs = Object.keys(made).flatMap((object) =>
  Object.keys(verifiers).map((verifier) => [object, verifier] as const),
)

test.each(pairs)('%s offered as %s', async (object, verifier) => {
  const code = await outcome(() => verifiers[verifier]?.(made[object] ?? ''))
  expect(code === 'accepted').toBe(object === verifier)
})

const types = [
  'delegation+jwt',
  'revocations+jwt',
  'secevent+jwt',
  'logout+jwt',
  'id+jwt',
  'wit+jwt',
  'wpt+jwt',
  'statuslist+jwt',
  'txntoken+jwt',
  'oauth-id-jag+jwt',
  'kb+jwt',
]

test.each(types)('%s with the claims of everything is nothing', async (typ) => {
  const everything = { ...claims, iss: client, htm: 'POST', htu: url }
  for (const [name, verify] of Object.entries(verifiers)) {
    const payload = name === 'access token' ? claims : everything
    const header =
      name === 'DPoP proof' ? { typ, alg: 'ES256', jwk: { ...key.publicJwk } } : { typ, alg: 'ES256', kid: key.kid }
    expect(await outcome(async () => verify(await forge(key, header, payload)))).not.toBe('accepted')
  }
})
