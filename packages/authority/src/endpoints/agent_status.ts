import { z } from 'zod'
import { requireAgent, resumeAgent, retireAgent, suspendAgent } from '../agents/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { agentView, viewOf } from './agents.ts'
import { answerRevoked, cause, revokedSchema, waitMs } from './revocation_answer.ts'
import { agentParams } from './schemas.ts'

const tag = 'Agents'

export const suspendAgentEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/agents/{id}/suspend',
  door: 'administrator',
  room: 'revocation',
  summary: 'Stop an agent until it is resumed',
  tag,
  params: agentParams,
  body: z.strictObject({ cause: cause.default('suspended'), wait_ms: waitMs }),
  answers: { 200: { description: 'It is stopped; the three moments.', schema: revokedSchema } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const stop = { by: actorOf(call), cause: body.cause, traceId }
    const revoked = await suspendAgent(services, organization, agent, stop)
    return answerRevoked(services, call, revoked, body.wait_ms)
  },
})

export const resumeAgentEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/agents/{id}/resume',
  door: 'administrator',
  summary: 'Let a suspended agent work again; what it held before stays dead',
  tag,
  params: agentParams,
  answers: { 200: { description: 'The agent as it is now.', schema: agentView } },
  async handle(services, call) {
    const { organization, params, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    await resumeAgent(services, organization, agent, { by: actorOf(call), traceId })
    return answer(viewOf(await requireAgent(services, organization, agent.id)))
  },
})

export const retireAgentEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/agents/{id}/retire',
  door: 'administrator',
  room: 'revocation',
  summary: 'End an agent for good; its record and handle stay',
  tag,
  params: agentParams,
  body: z.strictObject({ cause: cause.default('retired'), wait_ms: waitMs }),
  answers: { 200: { description: 'It has ended; the three moments.', schema: revokedSchema } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const stop = { by: actorOf(call), cause: body.cause, traceId }
    const revoked = await retireAgent(services, organization, agent, stop)
    return answerRevoked(services, call, revoked, body.wait_ms)
  },
})
