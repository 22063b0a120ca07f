import { isRefusal, parseScope, refuse } from '@credence/protocol'
import { z } from 'zod'
import { authenticateClient, type Client } from '../authentication/index.ts'
import { grantFor, issue, recordRefusal, type TokenRequest } from '../grants/index.ts'
import { answer, oauthErrorSchema } from '../http/answer.ts'
import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { decide, granted, narrow } from '../policy/index.ts'
import { findResource, type Resource } from '../resources/index.ts'
import type { Organization, Services } from '../services.ts'
import { proveKey } from '../tokens/index.ts'
import { clientParameters, parameter, tokenAnswerSchema } from './oauth_schemas.ts'

// Not strict: RFC 6749 §3.2, unrecognized parameters are ignored. None that is not named here can have an effect.
const form = z.object({
  ...clientParameters,
  grant_type: parameter(256),
  resource: parameter(512).describe('The audience of the one resource the token is for.'),
  audience: parameter(512).describe('Not needed; when sent, the same as `resource`.'),
  scope: parameter(16_384).describe('Without it, all that is allowed.'),
  task: parameter(128),
  session: parameter(128),
  subject_token: parameter(60_000),
  subject_token_type: parameter(256),
  actor_token: parameter(16_384),
  actor_token_type: parameter(256),
  requested_token_type: parameter(256),
})

type Form = z.output<typeof form>

export const tokenEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/token',
  door: 'client',
  refusals: 'oauth',
  summary: 'Issue an access token (RFC 6749, RFC 8693)',
  tag: 'OAuth',
  bodyType: 'form',
  body: form,
  answers: {
    200: { description: 'The token.', schema: tokenAnswerSchema },
    400: { description: 'The request is refused.', schema: oauthErrorSchema },
    401: { description: 'The client could not be authenticated.', schema: oauthErrorSchema },
  },
  async handle(services, call) {
    const client = await authenticateClient(services, { ...call, form: call.body })
    try {
      return answer(await tokenFor(services, call, client))
    } catch (error) {
      if (isRefusal(error)) await recordRefusal(services, call, client, error)
      throw error
    }
  },
})

async function tokenFor(services: Services, call: Call<unknown, unknown, Form>, client: Client): Promise<object> {
  const { organization, body, traceId } = call
  const proof = await proveKey(services, organization, call)
  const grant = grantFor(body)
  const resource = await resourceFor(services, organization, body)
  if (proof === undefined && resource.proofMode === 'required') refuse('proof_missing')
  const own = ownCeilings(client, resource)
  const request: TokenRequest = { organization, client, resource, form: body, requested: requestedScope(body), own }
  const drawn = await grant.draw(services, request)
  const attested = drawn.chain?.hops.some(({ evidence }) => evidence.kind === 'attested') === true
  if (attested && !resource.acceptsAttested) refuse('attested_refused')

  const { agent } = client
  const scope = narrow([...drawn.ceilings, resource.scopes, ...own], request.requested, {
    declared: resource.scopes,
    // Whatever a grant has narrowed already: no scope gets past the client's own bounds.
    beyond: granted([drawn.beyond, ...own]),
  })
  const hops = drawn.chain?.hops.map(({ statement }) => statement.delegate) ?? [agent.spiffeId]
  const decision = await decide({
    principal: drawn.sub,
    actors: hops.reverse(),
    action: { kind: 'issue', grant: grant.type },
    resource,
    scope,
    ...(drawn.task !== undefined && { task: drawn.task }),
  })
  if (decision.outcome !== 'permit') refuse('authorization_refused')
  // No token leaves before its record is durable: `issue` answers after the commit.
  return issue(services, { request, grant, drawn, scope, proof, decision, traceId })
}

/** What the agent may ever hold, and what the credential that it shows may obtain. */
function ownCeilings({ agent, credential }: Client, resource: Resource): Array<readonly string[]> {
  // What an agent may do at the authority itself follows from what it runs, not from its capabilities.
  const capabilities = resource.builtin ? [] : [agent.capabilities]
  return credential.scope === undefined ? capabilities : [...capabilities, credential.scope]
}

/** RFC 8707, narrowed: exactly one resource, so that no token can be used at a place nobody thought of. */
async function resourceFor(services: Services, organization: Organization, body: Form): Promise<Resource> {
  if (body.resource === undefined) refuse('resource_missing')
  if (body.audience !== undefined && body.audience !== body.resource) {
    refuse('resource_unknown', { detail: 'audience names another target than resource.' })
  }
  return (await findResource(services, organization, body.resource)) ?? refuse('resource_unknown')
}

function requestedScope({ scope }: Form): string[] | undefined {
  if (scope === undefined) return undefined
  try {
    return parseScope(scope)
  } catch (cause) {
    return refuse('scope_unknown', { cause })
  }
}
