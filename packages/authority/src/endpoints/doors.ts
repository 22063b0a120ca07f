import { coversAll, parseScope, refuse } from '@credence/protocol'
import { findAdministratorBySecret } from '../administrators/index.ts'
import type { Call, Caller, Endpoint } from '../http/endpoint.ts'
import type { HttpRequest } from '../http/request.ts'
import { installation, type Services } from '../services.ts'
import { authenticateApiCall } from '../tokens/index.ts'

/** What is known of a call at the door. */
export type Arriving = Pick<Call, 'endpoint' | 'organization' | 'request' | 'url' | 'answerHeaders'>

/**
 * The one place where callers are let in: says who calls, or refuses. A door that is not listed here lets nobody in.
 */
export async function enter(services: Services, call: Arriving): Promise<Caller | undefined> {
  const { door } = call.endpoint
  switch (door) {
    case 'public':
    // The endpoint itself authenticates OAuth clients.
    case 'client':
      return undefined
    case 'installation':
      return { kind: 'installation', id: await administratorId(services, installation, call.request) }
    case 'administrator':
      return { kind: 'administrator', id: await administratorId(services, call.organization.id, call.request) }
    case 'agent':
      return agentOrAdministrator(services, call, call.endpoint)
    default:
      return door satisfies never
  }
}

async function administratorId(services: Services, organization: string, request: HttpRequest): Promise<string> {
  const secret = bearerOf(request) ?? refuse('unauthorized')
  const administrator = await findAdministratorBySecret(services, organization, secret)
  return administrator?.id ?? refuse('unauthorized')
}

async function agentOrAdministrator(services: Services, call: Arriving, { scope }: Endpoint): Promise<Caller> {
  if (bearerOf(call.request)?.startsWith('credence_adm_')) {
    return { kind: 'administrator', id: await administratorId(services, call.organization.id, call.request) }
  }
  const caller = await authenticateApiCall(services, call.organization, call)
  // A row without a scope would let every agent in.
  if (scope === undefined) throw new Error('an endpoint for agents names no scope')
  if (!coversAll(parseScope(caller.claims.scope), [scope])) refuse('insufficient_scope')
  return caller
}

function bearerOf(request: HttpRequest): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}
