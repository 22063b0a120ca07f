import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { checkMayIssueAgain, mayComeBack, restore, stepsToRestore, subjectOf } from '../revocation/index.ts'

export const restoreEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/revocations/restore',
  door: 'administrator',
  summary: 'Bring back an agent, instance, person or organization that was ended',
  tag: 'Revocations',
  body: z.strictObject({ id: z.string().max(160) }),
  answers: {
    200: {
      description: 'It may get new tokens; those from before stay dead.',
      schema: z.object({ id: z.string(), restored: z.literal(true) }),
    },
    404: { description: 'There is no such thing in this organization.' },
    409: { description: 'It has not ended, or ended for good; or it is too early for it.' },
  },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const { kind, ...about } = subjectOf(organization, body.id)
    if (!mayComeBack(body.id)) refuse('conflict', { detail: 'This kind of thing ends for good.' })
    if (kind === 'issuing') await checkMayIssueAgain(services, organization)
    await restore(services, organization, {
      id: body.id,
      by: actorOf(call),
      steps: stepsToRestore(kind, body.id),
      audit: { ...about, trace_id: traceId },
    })
    return answer({ id: body.id, restored: true })
  },
})
