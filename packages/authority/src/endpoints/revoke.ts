import { isRefusal } from '@credence/protocol'
import { z } from 'zod'
import { authenticateClient, type Client, claimOnly } from '../authentication/index.ts'
import { answerEmpty, oauthErrorSchema } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { revoke } from '../revocation/index.ts'
import type { Organization, Services } from '../services.ts'
import { type PresentedToken, verifyPresented } from '../tokens/index.ts'
import { clientParameters } from './oauth_schemas.ts'

/** RFC 7009. A client ends its own tokens; for any other the answer is the same and nothing happens. */
export const revokeEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/revoke',
  door: 'client',
  refusals: 'oauth',
  room: 'withdrawal',
  summary: 'End an access token of your own (RFC 7009)',
  tag: 'OAuth',
  bodyType: 'form',
  body: z.object({
    ...clientParameters,
    token: z.string().max(16_384),
    token_type_hint: z.string().max(64).optional(),
  }),
  answers: {
    200: { description: 'The token is dead, or is none of the caller’s.' },
    401: { description: 'The client could not be authenticated.', schema: oauthErrorSchema },
  },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const client = await authenticateClient(services, { ...call, form: body })
    const own = await ownToken(services, organization, client, body.token)
    if (own === undefined) {
      await claimOnly(services, organization, client)
      return answerEmpty(200)
    }
    await revoke(services, organization, {
      id: own.claims.jti,
      cause: 'revoked_by_client',
      by: client.agent.id,
      expiresAtMs: own.claims.exp * 1000,
      steps: client.steps,
      audit: { agent: client.agent.id, token: own.claims.jti, trace_id: traceId },
    })
    return answerEmpty(200)
  },
})

async function ownToken(
  services: Services,
  organization: Organization,
  client: Client,
  token: string,
): Promise<PresentedToken | undefined> {
  try {
    const presented = await verifyPresented(services, organization, token)
    return presented.claims.client_id === client.agent.spiffeId ? presented : undefined
  } catch (error) {
    if (!isRefusal(error) || error.status >= 500) throw error
    return undefined
  }
}
