import { z } from 'zod'
import { answerEmpty } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { point, resource, subscriberOf } from './feed_subscriber.ts'

export const acknowledgeFeedEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/revocations/acknowledgements',
  door: 'agent',
  scope: 'feed:read',
  summary: 'Says how far an enforcement point has come',
  tag: 'Revocation feed',
  body: z.strictObject({
    resource,
    seq: z.number().int().min(0),
    point,
    received_at_ms: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('By the clock of the enforcement point; for people to compare.'),
  }),
  answers: { 204: { description: 'Taken note of.' } },
  async handle(services, call) {
    const { seq, ...asked } = call.body
    const { resource, agent, point } = await subscriberOf(services, call, { ...asked, after: seq })
    await services.feed.acknowledge(call.organization, { resource: resource.id, agent, point, seq })
    return answerEmpty()
  },
})
