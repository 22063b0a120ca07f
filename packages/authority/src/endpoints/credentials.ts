import { refuse } from '@credence/protocol'
import { z } from 'zod'
import {
  addCredential,
  type Credential,
  endCredential,
  findCredential,
  listCredentials,
  requireAgent,
} from '../agents/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { page, paging } from './page.ts'
import { answerRevoked, endingQuery, revokedSchema } from './revocation_answer.ts'
import { agentParams, id, jwk, listed, scopes, seconds } from './schemas.ts'

const tag = 'Credentials'
const kind = z.enum(['public_key', 'client_secret', 'api_key'])

const credentialView = z.object({
  id: z.string(),
  holder: z.string(),
  kind,
  instance: z.string().optional(),
  kid: z.string().optional(),
  jwk: z.record(z.string(), z.unknown()).optional(),
  scope: z.array(z.string()).optional(),
  created_at_ms: z.number(),
  not_before: z.number(),
  expires_at: z.number().optional(),
  last_used_at_ms: z.number().optional().describe('To the minute.'),
  ended_at_ms: z.number().optional(),
})

export const addCredentialEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/agents/{id}/credentials',
  door: 'administrator',
  summary: 'Add a credential beside those there are',
  tag,
  params: agentParams,
  body: z.strictObject({
    kind,
    jwk: jwk.optional().describe('The public key, for `public_key`.'),
    scope: scopes.optional().describe('A ceiling on what it obtains. An API key must have one.'),
    not_before: seconds.optional().describe('When it begins to be valid, Unix seconds.'),
    expires_at: seconds.optional().describe("Unix seconds; absent: as late as the agent's policy allows."),
  }),
  answers: {
    201: {
      description: 'The credential; its secret, if it has one, is shown this once.',
      schema: credentialView.extend({ secret: z.string().optional() }),
    },
  },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const { credential, secret } = await addCredential(services, organization, agent, {
      kind: body.kind,
      jwk: body.jwk,
      scope: body.scope,
      notBefore: body.not_before,
      expiresAt: body.expires_at,
      by: actorOf(call),
      traceId,
    })
    return answer({ ...viewOf(credential), ...(secret !== undefined && { secret }) }, { status: 201 })
  },
})

export const listCredentialsEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/agents/{id}/credentials',
  door: 'administrator',
  summary: 'List the credentials of an agent, ended ones included',
  tag,
  params: agentParams,
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page of credentials.', schema: listed(credentialView) } },
  async handle(services, call) {
    const { organization, params } = call
    const agent = await requireAgent(services, organization, params.id)
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listCredentials(services, organization, { holder: agent.id, after, limit }),
      placeOf: (credential) => credential.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

export const endCredentialEndpoint: Endpoint = endpoint({
  method: 'delete',
  path: '/v1/agents/{id}/credentials/{credential}',
  door: 'administrator',
  room: 'revocation',
  summary: 'End a credential, and every token obtained with it',
  tag,
  params: agentParams.extend({ credential: id('crd') }),
  query: endingQuery,
  answers: { 200: { description: 'It has ended for good; the three moments.', schema: revokedSchema } },
  async handle(services, call) {
    const { organization, params, query, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const credential = await findCredential(services, organization, params.credential)
    if (credential?.holder !== agent.id) refuse('not_found')
    const stop = { by: actorOf(call), cause: query.cause, traceId }
    return answerRevoked(services, call, await endCredential(services, organization, credential, stop), query.wait_ms)
  },
})

function viewOf(credential: Credential): z.output<typeof credentialView> {
  return {
    id: credential.id,
    holder: credential.holder,
    kind: credential.kind,
    ...(credential.instance !== undefined && { instance: credential.instance }),
    ...(credential.kid !== undefined && { kid: credential.kid }),
    ...(credential.publicJwk !== undefined && { jwk: credential.publicJwk }),
    ...(credential.scope !== undefined && { scope: credential.scope }),
    created_at_ms: credential.createdAtMs,
    not_before: credential.notBefore,
    ...(credential.expiresAt !== undefined && { expires_at: credential.expiresAt }),
    ...(credential.lastUsedAtMs !== undefined && { last_used_at_ms: credential.lastUsedAtMs }),
    ...(credential.endedAtMs !== undefined && { ended_at_ms: credential.endedAtMs }),
  }
}
