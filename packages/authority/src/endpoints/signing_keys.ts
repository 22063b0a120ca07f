import { algorithms } from '@credence/protocol'
import { z } from 'zod'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { listSigningKeys, newSigningKey, revokeSigningKey, type SigningKeyRecord } from '../tokens/index.ts'
import { answerRevoked, cause, note, revokedSchema, waitMs } from './revocation_answer.ts'
import { id } from './schemas.ts'

const tag = 'Signing keys'

const moment = z.number().optional().describe('Unix milliseconds.')
const keyView = z.object({
  id: z.string().describe('Its `kid`.'),
  alg: z.enum(algorithms),
  state: z.enum(['prepared', 'published', 'active', 'retired', 'revoked']),
  jwk: z.record(z.string(), z.unknown()),
  prepared_at_ms: z.number(),
  published_at_ms: moment,
  activated_at_ms: moment,
  retired_at_ms: moment,
  revoked_at_ms: moment,
})

export const listSigningKeysEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/signing-keys',
  door: 'administrator',
  summary: 'List the signing keys of the organization',
  tag,
  answers: { 200: { description: 'All of them.', schema: z.object({ items: z.array(keyView) }) } },
  async handle(services, { organization }) {
    return answer({ items: (await listSigningKeys(services, organization)).map(viewOf) })
  },
})

export const rotateSigningKeyEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/signing-keys',
  door: 'administrator',
  summary: 'Publish the next signing key now; it signs once every cached key set knows it',
  tag,
  answers: { 202: { description: 'It is on its way.', schema: z.object({ id: z.string() }) } },
  async handle(services, call) {
    const kid = await newSigningKey(services, call.organization, actorOf(call))
    return answer({ id: kid }, { status: 202 })
  },
})

export const revokeSigningKeyEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/signing-keys/{id}/revoke',
  door: 'administrator',
  room: 'revocation',
  summary: 'End a signing key and everything it signed; its successor signs at once',
  tag,
  params: z.strictObject({ id: id('sgk') }),
  body: z.strictObject({ cause: cause.default('compromised'), note, wait_ms: waitMs }),
  answers: { 200: { description: 'It has ended for good; the three moments.', schema: revokedSchema } },
  async handle(services, call) {
    const { organization, params, body } = call
    const { cause, note } = body
    const revoked = await revokeSigningKey(services, organization, { kid: params.id, cause, note, by: actorOf(call) })
    return answerRevoked(services, call, revoked, body.wait_ms)
  },
})

function viewOf(key: SigningKeyRecord): z.output<typeof keyView> {
  const moments = {
    published_at_ms: key.publishedAtMs,
    activated_at_ms: key.activatedAtMs,
    retired_at_ms: key.retiredAtMs,
    revoked_at_ms: key.revokedAtMs,
  }
  const happened = Object.fromEntries(Object.entries(moments).filter(([, at]) => at !== null))
  return {
    id: key.kid,
    alg: key.alg,
    state: key.state,
    jwk: key.publicJwk,
    prepared_at_ms: key.preparedAtMs,
    ...happened,
  }
}
