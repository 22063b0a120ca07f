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
import { answer } from '../../packages/authority/src/http/answer.ts'
import { listen } from '../../packages/authority/src/http/listen.ts'
import { parseParameters } from '../../packages/authority/src/http/parameters.ts'

const { clientId, clientJwk, audience, scope } = JSON.parse(readFileSync(0, 'utf8'))
const issuer = 'http://127.0.0.1'
const client = await importPublicKey(clientJwk)
const signing = await generateSigningKey('ES256')
const [org, agent] = [newId('org'), newId('agt')]

const listener = await listen({
  host: '127.0.0.1',
  port: 0,
  headerBytes: 16_384,
  requestSeconds: 30,
  connections: 1_000,
})
const tokenEndpoint = `http://127.0.0.1:${listener.port}/token`
listener.answerWith(async (request) => {
  const chunks: Buffer[] = []
  for await (const chunk of request.body) chunks.push(chunk as Buffer)
  const form = parseParameters(Buffer.concat(chunks).toString())
  const now = Math.floor(Date.now() / 1000)
  await verifyClientAssertion(form.client_assertion ?? '', { issuer, now, keyOf: async () => client })
  const proof = readDpopHeader(request.headers)
  const jkt = proof && (await verifyDpopProof(proof, { method: 'POST', url: tokenEndpoint, now })).jkt
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
  return answer({
    access_token: await signAccessToken(signing, claims),
    token_type: jkt ? 'DPoP' : 'Bearer',
    expires_in: 300,
  })
})
process.stdout.write(`${JSON.stringify({ issuer, tokenEndpoint })}\n`)
process.on('SIGTERM', () => void listener.stop(0).then(() => process.exit(0)))
