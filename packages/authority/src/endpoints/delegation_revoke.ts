import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { findAgent } from '../agents/index.ts'
import { findDelegation } from '../delegations/index.ts'
import { actorOf, type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { revoke } from '../revocation/index.ts'
import type { Services } from '../services.ts'
import { answerRevoked, cause, note, revokedSchema, waitMs } from './revocation_answer.ts'
import { id } from './schemas.ts'

export const revokeDelegationEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/delegations/{id}/revoke',
  door: 'agent',
  scope: 'delegations:write',
  room: 'withdrawal',
  summary: 'Take back what was delegated',
  tag: 'Delegations',
  params: z.strictObject({ id: id('dlg') }),
  body: z.strictObject({ cause: cause.default('withdrawn'), note, wait_ms: waitMs }),
  answers: {
    200: { description: 'Durable; the three moments after which it cannot be used any more.', schema: revokedSchema },
    404: { description: 'There is no such delegation, or another than the caller made it.' },
  },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    await requireDelegator(services, call, params.id)
    const revoked = await revoke(services, organization, {
      id: params.id,
      cause: body.cause,
      note: body.note,
      by: actorOf(call),
      audit: { trace_id: traceId },
    })
    return answerRevoked(services, call, revoked, body.wait_ms)
  },
})

/** An agent takes back only what it handed over itself; what others made does not exist for it. */
async function requireDelegator(
  services: Services,
  call: Pick<Call, 'organization' | 'caller'>,
  id: string,
): Promise<void> {
  const { organization, caller } = call
  const delegation = await findDelegation(services, organization, id)
  if (!delegation) refuse('not_found')
  if (caller?.kind !== 'agent') return
  const agent = await findAgent(services, organization, caller.id)
  if (agent?.spiffeId !== delegation.statement.iss) refuse('not_found')
}
