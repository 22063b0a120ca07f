import { isRefusal, refuse, verifyBatch } from '@credence/protocol'
import { z } from 'zod'
import { answerEmpty } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Organization, Services } from '../services.ts'
import { lookup } from '../tokens/index.ts'
import { point, resource, subscriberOf } from './feed_subscriber.ts'

export const acknowledgeFeedEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/revocations/acknowledgements',
  door: 'agent',
  scope: 'feed:read',
  room: 'acknowledgements',
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
    seen: z
      .string()
      .max(16_384)
      .optional()
      .describe(
        'A signed batch that the enforcement point was given, when the feed has gone back behind it: proof that something is lost.',
      ),
  }),
  answers: { 204: { description: 'Taken note of.' } },
  async handle(services, call) {
    const { seq, seen, ...asked } = call.body
    const { resource, agent, point } = await subscriberOf(services, call, { ...asked, after: seq })
    // What is behind what was seen takes no acknowledgement: its numbers are other facts'.
    if (seen !== undefined && (await witness(services, call.organization, seen))) return answerEmpty()
    await services.feed.acknowledge(call.organization, { resource: resource.id, agent, point, seq })
    return answerEmpty()
  },
})

/** Only what the authority itself has signed is believed: an enforcement point cannot stop an organization by saying a number. */
async function witness(services: Services, organization: Organization, seen: string): Promise<boolean> {
  const checks = { issuer: organization.issuer, organization: organization.id, keys: lookup(services, organization) }
  const { incarnation, head: seq } = await verifyBatch(seen, checks).catch((error: unknown) => {
    if (!isRefusal(error) || error.status >= 500) throw error
    return refuse('validation_failed', { detail: `seen: ${error.code}`, cause: error })
  })
  return services.feed.witness(organization, { incarnation, seq })
}
