import { permittedScopes } from '../delegations/index.ts'
import { operatesAny, ownScopes } from '../resources/index.ts'
import type { Services } from '../services.ts'
import { type Grant, type TokenRequest, taskAndSession } from './grant.ts'

/** RFC 6749 §4.4: an agent acts for itself, with what it may do by itself. */
export const clientCredentials: Grant = {
  type: 'client_credentials',
  exchanges: false,
  async draw(services, request) {
    const { client, form } = request
    return {
      sub: client.agent.spiffeId,
      ceilings: [await own(services, request)],
      beyond: [],
      constraints: [],
      expiresAt: Number.POSITIVE_INFINITY,
      lineage: [],
      ...taskAndSession(form),
      steps: [],
      registered: [],
    }
  },
}

/** At the authority's own API: any agent may hand in delegations, and who runs a resource may read the revocation feed. */
async function own(services: Services, { organization, client, resource }: TokenRequest): Promise<readonly string[]> {
  if (!resource.builtin) return permittedScopes(client.agent.permissions, resource.audience)
  const operates = await operatesAny(services, organization, client.agent.id)
  return ownScopes.filter((scope) => scope !== 'feed:read' || operates)
}
