import { refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { Client } from './client.ts'

/**
 * Claims what authenticated a client, in a command of its own: for requests that lead to no other. Refuses
 * `assertion_replayed`.
 */
export async function claimOnly(services: Services, organization: Organization, client: Client): Promise<void> {
  const { steps } = client
  // Nothing to claim and nothing to note: a secret, used moments ago.
  if (steps.length === 0) return
  const outcome = await services.store.commit({ organization: organization.id, steps, audit: null })
  if (outcome.done) return
  services.refusals.count(organization.id, outcome.refused)
  refuse(outcome.refused)
}
