import type { Refusal } from '@credence/protocol'
import { refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import type { Client } from '../authentication/index.ts'
import { findResource } from '../resources/index.ts'
import type { Organization, Services } from '../services.ts'
import type { TokenForm } from './grant.ts'
import { grantTypes } from './table.ts'

/**
 * Records that an authenticated client was refused. The ids that work only once are used up by it all the same; were they
 * used before, nobody has shown to be the client, so it is counted, and answered, as that.
 */
export async function recordRefusal(
  services: Services,
  call: { organization: Organization; body: TokenForm; traceId: string },
  client: Client,
  refusal: Refusal,
): Promise<void> {
  const { organization, body, traceId } = call
  // Our own failures are no decisions, and a first round without a nonce is no failure.
  if (refusal.status >= 500 || refusal.code === 'nonce_required') return
  if (refusal.code === 'assertion_replayed') {
    services.refusals.count(organization.id, refusal.code)
    return
  }
  const { agent, instance } = client
  const resource = body.resource === undefined ? undefined : await findResource(services, organization, body.resource)
  const audit = await record(services, organization, {
    type: 'token.refused',
    by: agent.id,
    agent: agent.id,
    action: 'issue',
    decision: 'deny',
    reasons: [refusal.code],
    outcome: 'refused',
    trace_id: traceId,
    ...(instance && { instance: instance.id }),
    // Only what there is: a log that lasts must not take in what somebody made up, or put there by mistake.
    ...(resource && { resource: resource.audience }),
    ...(grantTypes.includes(body.grant_type ?? '') && { cause: body.grant_type as string }),
  })
  const outcome = await services.store.commit({ organization: organization.id, steps: client.steps, audit })
  if (outcome.done) return
  services.refusals.count(organization.id, outcome.refused)
  refuse(outcome.refused)
}
