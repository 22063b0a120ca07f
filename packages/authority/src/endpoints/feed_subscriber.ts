import { isAudience, refuse } from '@credence/protocol'
import { z } from 'zod'
import type { Call } from '../http/endpoint.ts'
import { findResource } from '../resources/index.ts'
import type { Subscriber } from '../revocation/index.ts'
import type { Services } from '../services.ts'
import { id, inQuery } from './schemas.ts'

export const cursor = inQuery(z.number().int().min(0).default(0)).describe('The `seq` the caller has come to.')

export const nonce = z
  .string()
  .regex(/^[A-Za-z0-9_-]{8,128}$/)
  .optional()
  .describe('Comes back in the signed batch, so that the caller can tell how old it is at most.')

export const resource = z.string().refine(isAudience).describe('The audience of the resource that the caller operates.')

export const point = id('ept')
  .optional()
  .describe('What the enforcement point calls itself: chosen once by each running one.')

/**
 * Who reads the feed for a resource: its operator, and nobody else, because the authority grants and remembers a lease.
 *
 * @throws Refusal `forbidden`, also for a resource that does not exist.
 */
export async function subscriberOf(
  services: Services,
  call: Pick<Call, 'organization' | 'caller' | 'request'>,
  query: { after: number; nonce?: string | undefined; resource: string; point?: string | undefined },
): Promise<Subscriber> {
  const { organization, caller, request } = call
  if (caller?.kind !== 'agent')
    refuse('forbidden', { detail: 'Only the agent that operates the resource listens for it.' })
  const found = await findResource(services, organization, query.resource)
  if (found?.operator !== caller.id) refuse('forbidden', { detail: 'The caller does not operate this resource.' })
  const { id, audience, maxStalenessMs, whenStale, harmlessScopes } = found
  return {
    resource: { id, audience, maxStalenessMs, whenStale, harmlessScopes },
    agent: caller.id,
    lineage: caller.lineage,
    isGone: request.isGone,
    tokenEndsAtMs: caller.claims.exp * 1_000,
    after: query.after,
    nonce: query.nonce,
    point: query.point,
  }
}
