import { z } from 'zod'
import { answerEvents } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { cursor, nonce, point, resource, subscriberOf } from './feed_subscriber.ts'

export const streamFeedEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/revocations/stream',
  door: 'agent',
  scope: 'feed:read',
  room: 'feed',
  summary: 'Revocations as they are made, and a signed heartbeat when there are none',
  tag: 'Revocation feed',
  query: z.strictObject({ after: cursor, nonce, resource, point }),
  answers: {
    200: {
      description:
        'Server-sent events: `point` says what this enforcement point is called in acknowledgements; each `batch` is a signed ' +
        'batch, the first with the nonce, the lease, and what holds once it is over. The stream ends when anything its token rests on ends, when the caller ' +
        'operates the resource no more, when the same point opens another, and after some minutes: 5 after the token expires, ' +
        'and about 15 in all, at the latest.',
      type: 'text/event-stream',
    },
  },
  async handle(services, call) {
    const subscriber = await subscriberOf(services, call, call.query)
    const body = await services.feed.open(call.organization, subscriber)
    return answerEvents(body)
  },
})
