import { findAgentBySpiffeId } from '../agents/index.ts'
import type { Organization, Services } from '../services.ts'

/** The ids whose end must end what this agent, or this one instance of it, is given. Nobody known here: none. */
export async function partyIds(services: Services, organization: Organization, spiffeId: string): Promise<string[]> {
  const found = await findAgentBySpiffeId(services, organization, spiffeId)
  if (found === undefined) return []
  return [found.agent.id, ...(found.instance ? [found.instance.id] : [])]
}
