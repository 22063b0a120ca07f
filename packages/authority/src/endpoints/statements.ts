import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { statementByHash } from '../delegations/index.ts'
import { answerText } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** A statement is named by the hash of what was signed, so it never changes: it may be cached for ever. */
export const statementEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/statements/{hash}',
  door: 'public',
  summary: 'A delegation statement by its hash',
  tag: 'Delegations',
  params: z.strictObject({ hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/) }),
  answers: {
    200: { description: 'The statement as its delegator signed it.', type: 'application/jwt' },
    404: { description: 'The authority does not know it.' },
  },
  async handle(services, { organization, params }) {
    const statement = (await statementByHash(services, organization, params.hash)) ?? refuse('not_found')
    return answerText(statement, 'application/jwt', 'public, max-age=31536000, immutable')
  },
})
