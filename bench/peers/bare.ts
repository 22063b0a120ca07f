/**
 * The ceiling: the same HTTP server and the same two signatures, an assertion verified and a token signed, and nothing else. No
 * store, no record, no replay ids. Says how much of a token's cost is the authority's own.
 */
import { readFileSync } from 'node:fs'
import {
  type AccessTokenClaims,
  generateSigningKey,
  importPublicKey,
  newId,
  readDpopHeader,
  signAccessToken,
  verifyClientAssertion,
  verifyDpopProof,
} from '@credence/protocol'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const { clientId, clientJwk, audience, scope } = JSON.parse(readFileSync(0, 'utf8'))
const issuer = 'http://127.0.0.1'
const client = await importPublicKey(clientJwk)
const signing = await generateSigningKey('ES256')
const [org, agent] = [newId('org'), newId('agt')]

const app = new Hono()
app.post('/token', async (context) => {
  const form = new URLSearchParams(await context.req.text())
  const now = Math.floor(Date.now() / 1000)
  await verifyClientAssertion(form.get('client_assertion') ?? '', { issuer, now, keyOf: async () => client })
  const proof = readDpopHeader(context.req.raw.headers)
  const jkt = proof && (await verifyDpopProof(proof, { method: 'POST', url: context.req.url, now })).jkt
  const claims: AccessTokenClaims = {
    iss: issuer,
    aud: audience,
    sub: clientId,
    client_id: clientId,
    jti: newId('tok'),
    iat: now,
    exp: now + 300,
    scope,
    org,
    agent,
    lineage: [
      [org, 0],
      [agent, 0],
    ],
    ...(jkt !== undefined && { cnf: { jkt } }),
  }
  return context.json({
    access_token: await signAccessToken(signing, claims),
    token_type: jkt ? 'DPoP' : 'Bearer',
    expires_in: 300,
  })
})

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ issuer, tokenEndpoint: `http://127.0.0.1:${port}/token` })}\n`)
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))
