import { z } from 'zod'
import {
  type Agent,
  type AgentChange,
  changeAgent,
  listAgents,
  registerAgent,
  requireAgent,
  transferAgent,
} from '../agents/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { page, paging } from './page.ts'
import { agentParams, handle, id, listed, longText, permission, permissions, scopes, version } from './schemas.ts'

const tag = 'Agents'

const credentialPolicy = z.strictObject({
  kinds: z
    .array(z.enum(['public_key', 'client_secret', 'api_key']))
    .max(3)
    .describe('Which kinds of credential it may have.'),
  max_lifetime_seconds: z
    .number()
    .int()
    .min(60)
    .max(315_360_000)
    .optional()
    .describe('Within which every credential must expire; absent: it need not.'),
})

const words = {
  purpose: longText.describe('What it is for, in a sentence.'),
  version: version.describe('Which version of it runs unless an instance says otherwise.'),
  capabilities: scopes.describe('Scope patterns it may ever hold, whatever is delegated to it.'),
  permissions: permissions.describe('What it may do for itself.'),
  credential_policy: credentialPolicy,
}

export const agentView = z.object({
  id: z.string(),
  handle: z.string(),
  client_id: z.string().describe('Its SPIFFE ID, which is its OAuth client_id.'),
  owner: z.string(),
  purpose: z.string(),
  version: z.string(),
  capabilities: z.array(z.string()),
  permissions: z.array(permission),
  credential_policy: credentialPolicy,
  status: z.enum(['active', 'suspended', 'retired']),
  epoch: z.number(),
  created_at_ms: z.number(),
})

export const registerAgentEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/agents',
  door: 'administrator',
  summary: 'Register an agent',
  tag,
  body: z.strictObject({
    ...words,
    handle: handle.describe('Its name in its identity: chosen once, never given again.'),
    owner: id('psn').describe('The person who answers for it.'),
    version: words.version.default('1'),
    capabilities: words.capabilities.default([]),
    permissions: words.permissions.default([]),
    credential_policy: credentialPolicy.optional(),
  }),
  answers: { 201: { description: 'The agent.', schema: agentView } },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const { credential_policy, ...rest } = body
    const credentialPolicy = credential_policy && policyOf(credential_policy)
    const wanted = { ...rest, credentialPolicy, by: actorOf(call), traceId }
    return answer(viewOf(await registerAgent(services, organization, wanted)), { status: 201 })
  },
})

export const listAgentsEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/agents',
  door: 'administrator',
  summary: 'List agents',
  tag,
  query: z.strictObject({ ...paging, owner: id('psn').optional() }),
  answers: { 200: { description: 'One page of agents.', schema: listed(agentView) } },
  async handle(services, call) {
    const { owner } = call.query
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listAgents(services, call.organization, { after, limit, owner }),
      placeOf: (agent) => agent.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

export const readAgentEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/agents/{id}',
  door: 'administrator',
  summary: 'Read an agent, by its id or handle',
  tag,
  params: agentParams,
  answers: { 200: { description: 'The agent.', schema: agentView } },
  async handle(services, { organization, params }) {
    return answer(viewOf(await requireAgent(services, organization, params.id)))
  },
})

export const changeAgentEndpoint: Endpoint = endpoint({
  method: 'patch',
  path: '/v1/agents/{id}',
  door: 'administrator',
  summary: "Change an agent's record",
  tag,
  params: agentParams,
  body: z.strictObject(words).partial(),
  answers: { 200: { description: 'The agent as it is now.', schema: agentView } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const { credential_policy, ...rest } = body
    const change: AgentChange = { ...rest, credentialPolicy: credential_policy && policyOf(credential_policy) }
    const changed = await changeAgent(services, organization, agent, { ...change, by: actorOf(call), traceId })
    return answer(viewOf(changed))
  },
})

export const transferAgentEndpoint: Endpoint = endpoint({
  method: 'put',
  path: '/v1/agents/{id}/owner',
  door: 'administrator',
  summary: 'Give an agent to another owner',
  tag,
  params: agentParams,
  body: z.strictObject({ owner: id('psn') }),
  answers: { 200: { description: 'The agent as it is now.', schema: agentView } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const agent = await requireAgent(services, organization, params.id)
    const moved = await transferAgent(services, organization, agent, { owner: body.owner, by: actorOf(call), traceId })
    return answer(viewOf(moved))
  },
})

export function viewOf(agent: Agent): z.output<typeof agentView> {
  const { kinds, maxLifetimeSeconds } = agent.credentialPolicy
  return {
    id: agent.id,
    handle: agent.handle,
    client_id: agent.spiffeId,
    owner: agent.owner,
    purpose: agent.purpose,
    version: agent.version,
    capabilities: agent.capabilities,
    permissions: agent.permissions,
    credential_policy: {
      kinds,
      ...(maxLifetimeSeconds !== undefined && { max_lifetime_seconds: maxLifetimeSeconds }),
    },
    status: agent.status,
    epoch: agent.epoch,
    created_at_ms: agent.createdAtMs,
  }
}

function policyOf({ kinds, max_lifetime_seconds }: z.output<typeof credentialPolicy>): Agent['credentialPolicy'] {
  return { kinds, ...(max_lifetime_seconds !== undefined && { maxLifetimeSeconds: max_lifetime_seconds }) }
}
