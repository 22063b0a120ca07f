import {
  type Actor,
  accessTokenType,
  agentOf,
  type ChainHop,
  formatScope,
  type Lineage,
  refuse,
} from '@credence/protocol'
import { record } from '../audit/index.ts'
import type { RegisteredChain } from '../delegations/index.ts'
import type { Decision } from '../policy/index.ts'
import { isIssuing, issuing, taskId } from '../revocation/index.ts'
import { aliveNow, nowSeconds, type Organization, type Services } from '../services.ts'
import {
  forgetKeyStates,
  joinLineages,
  type MintedToken,
  mint,
  type NewToken,
  type ProvenKey,
  stampLineage,
} from '../tokens/index.ts'
import type { Drawn, Grant, TokenRequest } from './grant.ts'

/** Everything that was found out about a token request that is granted. */
export type Granted = {
  request: TokenRequest
  grant: Grant
  drawn: Drawn
  /** After narrowing. */
  scope: readonly string[]
  /** The key the token is bound to. */
  proof: ProvenKey | undefined
  decision: Decision
  traceId: string
}

/** Whoever steals a token that is bound to nothing can use it: seconds for which, at most. */
const longestBearer = 300

/**
 * Mints the token and makes it durable: in one command, the ids that work only once, the statements seen for the first time,
 * that everything it rests on still stands, and its record. The token leaves only when that has been committed.
 */
export async function issue(services: Services, granted: Granted): Promise<object> {
  const { organization } = granted.request
  const claims = await claimsFor(services, granted)
  const first = await mintAndCommit(services, granted, claims)
  if (first !== 'signing_key_gone') return answerWith(first, granted)
  // The key was revoked after this node last looked; its successor is there already.
  forgetKeyStates(services, organization)
  const second = await mintAndCommit(services, granted, claims)
  if (second !== 'signing_key_gone') return answerWith(second, granted)
  return refuse((await isIssuing(services, organization)) ? 'conflict' : 'recovering')
}

async function claimsFor(services: Services, { request, drawn, scope, proof }: Granted): Promise<NewToken> {
  const { organization, client, resource } = request
  const { agent, instance, credential } = client
  const { task, session, chain } = drawn
  // Read once: a lifetime counted from two readings is now and then a second short.
  const now = nowSeconds(services.clock)
  const ids = [organization.id, agent.id, credential.id]
  if (instance !== undefined) ids.push(instance.id)
  if (task !== undefined) ids.push(taskId(task))
  return {
    aud: resource.audience,
    sub: drawn.sub,
    client_id: agent.spiffeId,
    agent: agent.id,
    iat: now,
    exp: expiryOf(services, { request, drawn, proof }, now),
    scope: formatScope(scope),
    lineage: joinLineages(drawn.lineage, await stampLineage(services, organization, ids)),
    ...(proof && { cnf: { jkt: proof.jkt } }),
    ...(instance && { instance: instance.spiffeId }),
    ...(chain && {
      act: actOf(chain, instance?.spiffeId),
      delegation_chain: chain.hops.map(hopClaim),
      max_depth: Math.min(chain.leaf.statement.max_depth, 8),
    }),
    ...(drawn.constraints.length > 0 && {
      authorization_details: [{ type: 'agent_delegation' as const, constraints: [...drawn.constraints] }] as const,
    }),
    ...(task !== undefined && { task }),
    ...(session !== undefined && { sid: session }),
  }
}

/** P8: the earliest end of everything it rests on. Refuses `expired` when that has passed. */
function expiryOf(services: Services, granted: Pick<Granted, 'request' | 'drawn' | 'proof'>, now: number): number {
  const { client } = granted.request
  const chosen = services.config.accessTokenLifetimeSeconds
  const lifetime = granted.proof === undefined ? Math.min(chosen, longestBearer) : chosen
  const exp = Math.min(now + lifetime, granted.drawn.expiresAt, client.expiresAt)
  if (exp <= now) refuse('expired')
  return exp
}

/** RFC 8693 §4.1, built from verified hops alone: the newest actor outermost, nobody left out. */
function actOf(chain: RegisteredChain, instance: string | undefined): Actor {
  const [first, ...later] = chain.hops.map(({ statement }) => {
    const sub = agentOf(statement.delegate)
    return sub === statement.delegate ? { sub } : { sub, instance: statement.delegate }
  })
  const act = later.reduce<Actor>((before, actor) => ({ ...actor, act: before }), first as Actor)
  return instance === undefined ? act : { ...act, instance }
}

function hopClaim({ statement, hash, evidence }: RegisteredChain['hops'][number]): ChainHop {
  return { delegator: statement.iss, delegate: statement.delegate, exp: statement.exp, evidence: evidence.kind, hash }
}

async function mintAndCommit(
  services: Services,
  granted: Granted,
  claims: NewToken,
): Promise<MintedToken | 'signing_key_gone'> {
  const { request, drawn, proof } = granted
  const minted = await mint(services, request.organization, claims)
  const outcome = await services.store.commit({
    organization: request.organization.id,
    steps: [
      ...request.client.steps,
      ...(proof?.steps ?? []),
      { do: 'alive', lineage: claims.lineage, otherwise: 'revoked' },
      { do: 'alive', lineage: [[minted.kid, 0], ...issuingFor(request)], otherwise: 'key_unknown' },
      ...drawn.steps,
    ],
    audit: await recordOf(services, request.organization, granted, minted),
  })
  if (outcome.done) {
    services.telemetry.count('credence.tokens.issued', { grant: granted.grant.type })
    return minted
  }
  return outcome.refused === 'key_unknown' ? 'signing_key_gone' : refuse(outcome.refused)
}

/** While a store that lost commits is looked into, its feed is still read: tokens for the authority's own API are good nowhere else. */
function issuingFor({ resource }: TokenRequest): Lineage {
  return resource.builtin ? [] : aliveNow(issuing)
}

function recordOf(services: Services, organization: Organization, granted: Granted, { claims }: MintedToken) {
  const { request, grant, drawn, decision } = granted
  const { agent, instance } = request.client
  return record(services, organization, {
    type: grant.exchanges ? 'token.exchanged' : 'token.issued',
    by: agent.id,
    agent: agent.id,
    principal: claims.sub,
    resource: claims.aud,
    action: 'issue',
    scope: claims.scope,
    decision: decision.outcome,
    reasons: [...decision.reasons],
    policy: decision.policy,
    outcome: 'done',
    token: claims.jti,
    trace_id: granted.traceId,
    ...(instance && { instance: instance.id }),
    ...(drawn.chain && { chain: drawn.chain.hops.map(({ hash }) => hash) }),
    // Statements first seen with this request: registered by this very command.
    ...(drawn.registered.length > 0 && { count: drawn.registered.length }),
    ...(claims.task !== undefined && { task: claims.task }),
    ...(claims.sid !== undefined && { sid: claims.sid }),
  })
}

function answerWith({ token, claims }: MintedToken, { grant }: Granted): object {
  return {
    access_token: token,
    token_type: claims.cnf ? 'DPoP' : 'Bearer',
    expires_in: claims.exp - claims.iat,
    scope: claims.scope,
    ...(grant.exchanges && { issued_token_type: accessTokenType }),
    ...(claims.authorization_details && { authorization_details: claims.authorization_details }),
  }
}
