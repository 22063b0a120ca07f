import { z } from 'zod'
import { type Instance, listInstances, requireAgent, startInstance } from '../agents/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { page, paging } from './page.ts'
import { agentParams, jwk, listed, version } from './schemas.ts'

const tag = 'Instances'
const mostDays = 90

const instanceView = z.object({
  id: z.string(),
  agent: z.string(),
  spiffe_id: z.string(),
  version: z.string(),
  created_at_ms: z.number(),
  expires_at: z.number(),
  alive: z.boolean().describe('False once revoked. Past `expires_at` it is of no use either way.'),
  epoch: z.number(),
})

export const startInstanceEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/agents/{id}/instances',
  door: 'administrator',
  summary: 'Register a running copy of an agent, with its own key',
  tag,
  params: agentParams,
  body: z.strictObject({
    jwk,
    version: version.optional(),
    lifetime_seconds: z
      .number()
      .int()
      .min(60)
      .max(mostDays * 86_400)
      .default(86_400),
  }),
  answers: {
    201: { description: 'The instance.', schema: instanceView.extend({ credential: z.string(), kid: z.string() }) },
  },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const { instance, credential } = await startInstance(services, organization, agent, {
      version: body.version,
      lifetimeSeconds: body.lifetime_seconds,
      jwk: body.jwk,
      by: actorOf(call),
      traceId,
    })
    return answer({ ...viewOf(instance), credential: credential.id, kid: credential.kid }, { status: 201 })
  },
})

export const listInstancesEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/agents/{id}/instances',
  door: 'administrator',
  summary: 'List the instances of an agent',
  tag,
  params: agentParams,
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page of instances.', schema: listed(instanceView) } },
  async handle(services, call) {
    const { organization, params } = call
    const agent = await requireAgent(services, organization, params.id)
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listInstances(services, organization, { agent: agent.id, after, limit }),
      placeOf: (instance) => instance.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

function viewOf(instance: Instance): z.output<typeof instanceView> {
  return {
    id: instance.id,
    agent: instance.agent,
    spiffe_id: instance.spiffeId,
    version: instance.version,
    created_at_ms: instance.createdAtMs,
    expires_at: instance.expiresAt,
    alive: instance.alive,
    epoch: instance.epoch,
  }
}
