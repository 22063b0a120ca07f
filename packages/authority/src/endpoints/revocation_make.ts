import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { endedElsewhere, revoke, stepsToEnd, subjectOf } from '../revocation/index.ts'
import { answerRevoked, cause, note, revokedSchema, waitMs } from './revocation_answer.ts'

export const revokeAnythingEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/revocations',
  door: 'administrator',
  room: 'revocation',
  summary: 'End something, and all that rests on it',
  tag: 'Revocations',
  body: z.strictObject({
    id: z
      .string()
      .max(160)
      .describe(
        'A token, delegation, credential, instance, agent, person or organization by its id, or `task:<task>`.',
      ),
    cause,
    note,
    wait_ms: waitMs,
  }),
  answers: {
    200: { description: 'Durable; the three moments after which it cannot be used any more.', schema: revokedSchema },
    404: { description: 'There is no such thing in this organization.' },
  },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const { kind, ...about } = subjectOf(organization, body.id)
    const elsewhere = endedElsewhere(kind)
    if (elsewhere !== undefined) refuse('validation_failed', { detail: `id: ${elsewhere}` })
    const revoked = await revoke(services, organization, {
      id: body.id,
      cause: body.cause,
      note: body.note,
      by: actorOf(call),
      steps: stepsToEnd(services, kind, body.id),
      audit: { ...about, trace_id: traceId },
    })
    return answerRevoked(services, call, revoked, body.wait_ms)
  },
})
