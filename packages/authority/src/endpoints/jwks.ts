import { answerText } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { jwks, jwksMaxAgeSeconds } from '../tokens/index.ts'

/** RFC 7517. The next signing key is in it well before it signs; a retired one as long as anything it signed can live. */
export const jwksEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/jwks',
  door: 'public',
  summary: 'The keys that tokens and statements of this organization are signed with',
  tag: 'Discovery',
  answers: { 200: { description: 'A JWK Set.', type: 'application/json' } },
  async handle(services, { organization }) {
    const text = JSON.stringify(await jwks(services, organization))
    return answerText(text, 'application/json', `public, max-age=${jwksMaxAgeSeconds(services)}`)
  },
})
