import { isRefusal } from '@credence/protocol'
import { z } from 'zod'
import { authenticateClient, claimOnly } from '../authentication/index.ts'
import { answer, oauthErrorSchema } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { findResource } from '../resources/index.ts'
import type { Organization, Services } from '../services.ts'
import { type PresentedToken, verifyPresented } from '../tokens/index.ts'
import { clientParameters } from './oauth_schemas.ts'

/** RFC 7662. Only the operator of the resource a token is for learns anything about it. */
export const introspectEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/introspect',
  door: 'client',
  refusals: 'oauth',
  summary: 'Ask whether an access token is alive (RFC 7662)',
  tag: 'OAuth',
  bodyType: 'form',
  body: z.object({
    ...clientParameters,
    token: z.string().max(16_384),
    token_type_hint: z.string().max(64).optional(),
  }),
  answers: {
    200: {
      description:
        'The claims of a live token that is for a resource the caller operates; for any other `active: false`.',
      schema: z.looseObject({ active: z.boolean() }),
    },
    401: { description: 'The client could not be authenticated.', schema: oauthErrorSchema },
  },
  async handle(services, call) {
    const { organization, body } = call
    const client = await authenticateClient(services, { ...call, form: body })
    const alive = await verified(services, organization, body.token)
    await claimOnly(services, organization, client)
    if (alive === undefined) return answer({ active: false })
    const resource = await findResource(services, organization, alive.claims.aud)
    if (resource?.operator !== client.agent.id) return answer({ active: false })
    return answer({ active: true, token_type: alive.claims.cnf ? 'DPoP' : 'Bearer', ...alive.claims })
  },
})

/** RFC 7662 §2.2: whatever is wrong with a token, the answer is the same. Undefined for all of it. */
async function verified(
  services: Services,
  organization: Organization,
  token: string,
): Promise<PresentedToken | undefined> {
  try {
    return await verifyPresented(services, organization, token)
  } catch (error) {
    if (!isRefusal(error) || error.status >= 500) throw error
    return undefined
  }
}
