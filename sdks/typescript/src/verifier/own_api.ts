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
  return refuse('authority_unreachable', { detail: `It answered ${response.status}.` })
}
