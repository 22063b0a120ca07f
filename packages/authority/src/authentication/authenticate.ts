import { isRefusal, refuse } from '@credence/protocol'
import type { HttpRequest } from '../http/request.ts'
import type { Organization, Services } from '../services.ts'
import type { AuthenticationForm, Client } from './client.ts'
import { mayBeUsed } from './standing.ts'
import { ways } from './ways.ts'

/**
 * Which agent calls, proven in exactly one way (RFC 6749 §2.3). Failures are counted, not recorded one by one: anybody can
 * cause them. Refuses with the codes of client authentication.
 */
export async function authenticateClient(
  services: Services,
  call: { organization: Organization; request: HttpRequest; form: AuthenticationForm },
): Promise<Client> {
  try {
    return await prove(services, call)
  } catch (error) {
    if (isRefusal(error) && error.status < 500) services.refusals.count(call.organization.id, error.code)
    throw error
  }
}

async function prove(
  services: Services,
  attempt: { organization: Organization; request: HttpRequest; form: AuthenticationForm },
): Promise<Client> {
  const tried = ways.filter((way) => way.isTried(attempt))
  const [way, another] = tried
  if (another !== undefined) refuse('client_authentication_ambiguous')
  const inHeader = attempt.request.headers.has('authorization')
  if (way === undefined) refuse(inHeader ? 'client_authentication_failed' : 'client_authentication_missing')
  // Whoever stands before us may go by a header that nobody here reads, and take this for somebody else's request.
  if (inHeader && !way.inHeader) refuse('client_authentication_ambiguous')
  const proven = await way.prove(services, attempt)
  const { client_id } = attempt.form
  if (client_id !== undefined && client_id !== proven.agent.spiffeId) refuse('client_authentication_ambiguous')
  return mayBeUsed(services, attempt.organization, proven)
}
