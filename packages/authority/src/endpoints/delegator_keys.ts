import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { findDelegator } from '../delegations/index.ts'
import { answerText } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

const view = z.object({
  holder: z.string(),
  kid: z.string(),
  jwk: z.record(z.string(), z.any()).describe('The public key.'),
  credential: z.string().describe('The id under which its enrolment is in the audit log.'),
})

/**
 * What signed a statement, for whoever proves a chain for itself. Given for ended keys too: whether what they signed still
 * stands is said by the lineage and the feed, not by leaving the key out. A key under an id never changes.
 */
export const delegatorKeyEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/delegator-keys',
  door: 'public',
  summary: 'The public key a delegator signs statements with',
  tag: 'Delegations',
  query: z.strictObject({
    holder: z.string().min(1).max(2048).describe('As statements name the delegator: `psn_` id or SPIFFE ID.'),
    kid: z.string().min(1).max(256),
  }),
  answers: {
    200: { description: 'The key.', schema: view },
    404: { description: 'The delegator has no such key.' },
  },
  async handle(services, { organization, query: { holder, kid } }) {
    const delegator = await findDelegator(services, organization, { by: holder, kid })
    const { publicJwk: jwk, id: credential } = delegator?.credential ?? {}
    if (jwk === undefined || credential === undefined) refuse('not_found')
    const text = JSON.stringify({ holder, kid, jwk, credential })
    return answerText(text, 'application/json', 'public, max-age=31536000, immutable')
  },
})
