import { refuseAtUse as refuse } from '@credence/protocol'
import type { Agent } from '../agent/agent.ts'

/** Who asks the authority about its resource, and for revocations: the agent that operates it. */
export type Operator = Pick<Agent, 'issuer' | 'fetch' | 'introspect'>

/**
 * A signed call of the authority's own API, with the one scope that an operator has there.
 *
 * @param path below the issuer, with its query
 * @throws Refusal `authority_unreachable` for any answer that is no success, and what obtaining a token may refuse
 */
export async function callAuthority(operator: Operator, path: string, init: RequestInit = {}): Promise<Response> {
  const { issuer } = operator
  const response = await operator.fetch(`${issuer}${path}`, { resource: `${issuer}/v1`, scope: 'feed:read', ...init })
  if (response.ok) return response
  await response.body?.cancel()
  const detail = `It answered ${response.status}.`
  return refuse('authority_unreachable', { detail, retryAfterSeconds: retryAfter(response.headers) })
}

/** RFC 9110 section 10.2.3, in seconds: the authority sends no dates. Whatever else stands there says nothing. */
function retryAfter(headers: Headers): number | undefined {
  const said = headers.get('retry-after') ?? ''
  return /^\d{1,4}$/.test(said) ? Number(said) : undefined
}
