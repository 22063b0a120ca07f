import { isAudience, refuse } from '@credence/protocol'
import { z } from 'zod'
import { answer } from '../http/answer.ts'
import { actorOf, type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { changeResource, findResourceById, listResources, type Resource, registerResource } from '../resources/index.ts'
import { page, paging } from './page.ts'
import { id, listed, scopes, shortText } from './schemas.ts'

const tag = 'Resources'
const params = z.strictObject({ id: id('rsc') })
const kind = z.enum(['api', 'mcp'])

const tool = z.strictObject({
  name: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  scope: z.string().max(256).describe('The scope that a call of it needs.'),
})

const words = {
  name: shortText,
  scopes: scopes.describe('What may be asked for here.'),
  tools: z.array(tool).max(500),
  proof_mode: z.enum(['required', 'optional']).describe('Whether every call must carry a proof of the key.'),
  max_staleness_ms: z.number().int().min(1_000).max(900_000).describe('The lease its enforcement points get.'),
  when_stale: z
    .enum(['refuse', 'introspect', 'harmless_reads'])
    .describe('What an enforcement point does when its lease is over.'),
  harmless_scopes: scopes.describe('For `harmless_reads`: what may go on until token expiry.'),
  accepts_attested: z.boolean().describe('Whether delegations that only the authority vouches for are good here.'),
  operator: id('agt').nullable().describe('The agent that runs it.'),
}

const resourceView = z.object({ id: z.string(), audience: z.string(), kind, ...words, created_at_ms: z.number() })

export const registerResourceEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/resources',
  door: 'administrator',
  summary: 'Register a protected API or MCP server',
  tag,
  body: z.strictObject({
    audience: z.string().min(1).max(512).describe('Its URI, as tokens name it; fixed for ever.'),
    kind: kind.default('api'),
    name: words.name,
    scopes: words.scopes,
    tools: words.tools.default([]),
    proof_mode: words.proof_mode.optional().describe('Default: required for an API, optional for an MCP server.'),
    max_staleness_ms: words.max_staleness_ms.optional(),
    when_stale: words.when_stale.default('refuse'),
    harmless_scopes: words.harmless_scopes.default([]),
    accepts_attested: words.accepts_attested.default(true),
    operator: words.operator.default(null),
  }),
  answers: { 201: { description: 'The resource.', schema: resourceView } },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const resource = await registerResource(services, organization, {
      audience: body.audience,
      kind: body.kind,
      name: body.name,
      scopes: body.scopes,
      tools: body.tools,
      proofMode: body.proof_mode ?? (body.kind === 'api' ? 'required' : 'optional'),
      maxStalenessMs: body.max_staleness_ms ?? services.config.maxStalenessMs,
      whenStale: body.when_stale,
      harmlessScopes: body.harmless_scopes,
      acceptsAttested: body.accepts_attested,
      operator: body.operator,
      by: actorOf(call),
      traceId,
    })
    return answer(viewOf(resource), { status: 201 })
  },
})

export const listResourcesEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/resources',
  door: 'agent',
  scope: 'feed:read',
  summary: 'List resources; for an agent, those that it operates',
  tag,
  query: z.strictObject({
    ...paging,
    operator: id('agt').optional(),
    audience: z.string().refine(isAudience).optional(),
  }),
  answers: { 200: { description: 'One page of resources.', schema: listed(resourceView) } },
  async handle(services, call) {
    const { audience } = call.query
    const own = ownOf(call)
    const operator = call.query.operator ?? own
    if (own !== undefined && operator !== own) refuse('forbidden')
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listResources(services, call.organization, { after, limit, audience, operator }),
      placeOf: (resource) => resource.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

export const readResourceEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/resources/{id}',
  door: 'agent',
  scope: 'feed:read',
  summary: 'Read a resource; for an agent, one that it operates',
  tag,
  params,
  answers: { 200: { description: 'The resource.', schema: resourceView } },
  async handle(services, call) {
    const resource = await findResourceById(services, call.organization, call.params.id)
    const operator = ownOf(call)
    if (resource === undefined || (operator !== undefined && operator !== resource.operator)) refuse('not_found')
    return answer(viewOf(resource))
  },
})

export const changeResourceEndpoint: Endpoint = endpoint({
  method: 'patch',
  path: '/v1/resources/{id}',
  door: 'administrator',
  summary: 'Change a resource',
  tag,
  params,
  body: z.strictObject(words).partial(),
  answers: { 200: { description: 'The resource as it is now.', schema: resourceView } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const resource = (await findResourceById(services, organization, params.id)) ?? refuse('not_found')
    const changed = await changeResource(services, organization, resource, {
      name: body.name,
      scopes: body.scopes,
      tools: body.tools,
      proofMode: body.proof_mode,
      maxStalenessMs: body.max_staleness_ms,
      whenStale: body.when_stale,
      harmlessScopes: body.harmless_scopes,
      acceptsAttested: body.accepts_attested,
      operator: body.operator,
      by: actorOf(call),
      traceId,
    })
    return answer(viewOf(changed))
  },
})

/** An agent sees what it operates, and nothing of what others do. Undefined: an administrator, who sees everything. */
function ownOf({ caller }: Pick<Call, 'caller'>): string | undefined {
  return caller?.kind === 'agent' ? caller.id : undefined
}

function viewOf(resource: Resource): z.output<typeof resourceView> {
  return {
    id: resource.id,
    audience: resource.audience,
    kind: resource.kind,
    name: resource.name,
    scopes: resource.scopes,
    tools: resource.tools,
    proof_mode: resource.proofMode,
    max_staleness_ms: resource.maxStalenessMs,
    when_stale: resource.whenStale,
    harmless_scopes: resource.harmlessScopes,
    accepts_attested: resource.acceptsAttested,
    operator: resource.operator ?? null,
    created_at_ms: resource.createdAtMs,
  }
}
