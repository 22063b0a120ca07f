import { refuse, splitChain } from '@credence/protocol'
import { chainCeilings, prepareChain } from '../delegations/index.ts'
import type { Services } from '../services.ts'
import { scopesBeyond } from './beyond.ts'
import { type Drawn, type TokenRequest, taskAndSession } from './grant.ts'

/** Shape (a): delegation statements as subject_token; the delegate of the last one is who asks. */
export async function byDelegation(services: Services, request: TokenRequest, subjectToken: string): Promise<Drawn> {
  const { organization, client, resource, form } = request
  const holder = {
    agent: client.agent.spiffeId,
    ...(client.instance && { instance: client.instance.spiffeId }),
  }
  const chain = await prepareChain(services, organization, splitChain(subjectToken), holder)
  const leaf = chain.leaf.statement
  if (!leaf.aud.includes(resource.audience)) refuse('resource_unknown')
  return {
    sub: chain.principal.id,
    chain,
    ceilings: await chainCeilings(services, organization, chain, resource.audience),
    beyond: await scopesBeyond(services, request, chain),
    constraints: leaf.constraints ?? [],
    expiresAt: chain.expiresAt,
    lineage: chain.lineage,
    ...taskAndSession(form, leaf),
    steps: chain.steps,
    registered: chain.fresh,
  }
}
