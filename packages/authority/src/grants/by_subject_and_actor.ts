import { type AccessTokenClaims, accessTokenType, coversAll, parseScope, refuse } from '@credence/protocol'
import { chainCeilings, type RegisteredChain, standingChains } from '../delegations/index.ts'
import type { Services } from '../services.ts'
import { fullLineage, joinLineages } from '../tokens/index.ts'
import { scopesBeyond } from './beyond.ts'
import { type Drawn, type TokenRequest, taskAndSession } from './grant.ts'
import { presentedToken } from './presented.ts'

/**
 * Shape (b): an access token, and the caller's own token as actor_token. Two valid tokens alone prove nothing about each
 * other; a standing delegation must lead from whoever holds the subject token to the caller, and on from the very chain that
 * token rests on. Otherwise two chains could be spliced.
 */
export async function bySubjectAndActor(
  services: Services,
  request: TokenRequest,
  subjectToken: string,
): Promise<Drawn> {
  const { organization, client, resource, form } = request
  if (form.actor_token_type !== accessTokenType) refuse('actor_token_invalid')
  const subject = await presentedToken(services, organization, subjectToken, 'subject_token_invalid')
  const actor = await presentedToken(services, organization, form.actor_token ?? '', 'actor_token_invalid')
  // The caller's own, for itself: a token it holds for somebody else would smuggle a second principal in.
  const own = client.agent.spiffeId
  if (actor.claims.client_id !== own || actor.claims.sub !== own) refuse('actor_token_invalid')
  if (subject.claims.aud !== resource.audience) refuse('resource_unknown')

  const chain = await named(services, request, subject.claims)
  const leaf = chain.leaf.statement
  const carried = parseScope(subject.claims.scope)
  return {
    sub: subject.claims.sub,
    chain,
    ceilings: [carried, ...(await chainCeilings(services, organization, chain, resource.audience))],
    beyond: await scopesBeyond(services, request, chain, [carried]),
    constraints: leaf.constraints ?? [],
    expiresAt: Math.min(subject.claims.exp, actor.claims.exp, chain.expiresAt),
    lineage: joinLineages(
      chain.lineage,
      fullLineage(subject.claims, subject.kid),
      fullLineage(actor.claims, actor.kid),
    ),
    ...taskAndSession(form, leaf, subject.claims, actor.claims),
    steps: [],
    registered: [],
  }
}

/** The one standing delegation by which the holder of the subject token lets the caller act. */
async function named(services: Services, request: TokenRequest, subject: AccessTokenClaims): Promise<RegisteredChain> {
  const { organization, client, resource, requested } = request
  const delegates = [client.agent.spiffeId, ...(client.instance ? [client.instance.spiffeId] : [])]
  const parent = subject.delegation_chain?.at(-1)?.hash ?? null
  const standing = await standingChains(services, organization, { principal: subject.sub, delegates, parent })
  const fitting = standing.filter(({ leaf: { statement } }) => {
    if (!statement.aud.includes(resource.audience)) return false
    return requested === undefined || coversAll(parseScope(statement.scope), requested)
  })
  const [chain, another] = fitting
  if (chain === undefined) refuse('actor_not_named')
  if (another !== undefined) refuse('ambiguous_delegation')
  return chain
}
