import { z } from 'zod'
import { type Answer, answerText } from '../http/answer.ts'
import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { alignedWidth, maxFacts, readAlignedBatch, readBatch } from '../revocation/index.ts'
import type { Services } from '../services.ts'
import { cursor, nonce, point, resource, subscriberOf } from './feed_subscriber.ts'
import { inQuery } from './schemas.ts'

const query = z.strictObject({
  after: cursor,
  limit: inQuery(z.number().int().min(1).max(maxFacts).default(alignedWidth)).describe('Most facts in the batch.'),
  nonce,
  resource: resource.optional(),
  point,
})

export const readFeedEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/revocations',
  door: 'agent',
  scope: 'feed:read',
  room: 'feed',
  summary: 'Revocations after a cursor, as one signed batch',
  tag: 'Revocation feed',
  query,
  answers: {
    200: {
      description:
        `A signed batch. Without nonce and resource, ${alignedWidth} at a multiple of ${alignedWidth} never change once they are ` +
        'there, and may be cached for ever. With a resource, its operator gets the lease too, and what holds once it is over.',
      type: 'application/jwt',
    },
  },
  async handle(services, call) {
    const { nonce, resource } = call.query
    if (resource !== undefined)
      return answerBatch(await leasedBatch(services, call, { ...call.query, resource }), 'no-store')
    if (nonce === undefined) {
      const aligned = await alignedBatch(services, call, call.query)
      if (aligned) return answerBatch(aligned, 'private, max-age=31536000, immutable')
    }
    const batch = {
      ...(await readBatch(services, call.organization, call.query)),
      ...(nonce !== undefined && { nonce }),
    }
    return answerBatch(
      await services.feed.sign(call.organization, batch),
      nonce === undefined ? 'private, max-age=1' : 'no-store',
    )
  },
})

type Query = z.output<typeof query>

async function leasedBatch(services: Services, call: Call, asked: Query & { resource: string }): Promise<string> {
  return services.feed.page(call.organization, await subscriberOf(services, call, asked), asked.limit)
}

async function alignedBatch(services: Services, call: Call, { after, limit }: Query): Promise<string | undefined> {
  if (limit !== alignedWidth || after % alignedWidth !== 0) return undefined
  const batch = await readAlignedBatch(services, call.organization, after)
  return batch && services.feed.sign(call.organization, batch)
}

function answerBatch(compact: string, cache: string): Answer {
  return answerText(compact, 'application/jwt', cache)
}
