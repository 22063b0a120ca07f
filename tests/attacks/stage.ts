// One organization with everything there is to offer and every place to offer it at: people, agents with each kind of credential, two
// resources, standing delegations, a verifier of the SDK that is ready, and the key that only the authority has.

import { createDpopProof, readStatement, type SigningKey, signClientAssertion } from '@credence/protocol'
import { AgentKey, createAgent } from '@credence/sdk'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, accessTokenType, type Cast, castOf, exchangeGrant, type Person, post, seconds } from '../cast.ts'
import { signingKeyOf } from './store_contents.ts'

export const api = 'https://api.example/'
export const files = 'https://files.example/'
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export type Stage = {
  authority: TestAuthority
  acme: TestOrganization
  other: TestOrganization
  cast: Cast
  ada: Person
  /** Acts for itself, and for Ada; has a key, a client secret and an API key. */
  agent: Agent
  secret: string
  apiKey: string
  /** Was handed on by `agent` what Ada gave it. */
  actor: Agent
  /** Runs both resources. */
  operator: Agent
  /** From Ada to `agent`, and on to `actor`. Registered. */
  chain: string[]
  authorityKey: SigningKey
  verifier: Verifier
  /** The verifier's own, for as long as it asks for one. */
  nonce: string
  stop(): Promise<void>
}

export async function setStage(options: Parameters<typeof startTestAuthority>[0] = {}): Promise<Stage> {
  const authority = await startTestAuthority({
    organizations: ['acme', 'other'],
    ...options,
    settings: { failuresPerMinute: 0, ...options.settings },
  })
  const { acme, other } = authority.organizations as { acme: TestOrganization; other: TestOrganization }
  const stage = await stageOf(authority, acme, other)
  return {
    ...stage,
    async stop() {
      await stage.stop()
      await authority.stop()
    },
  }
}

/** All of it in this organization, beside that other one. */
export async function stageOf(
  authority: TestAuthority,
  acme: TestOrganization,
  other: TestOrganization,
): Promise<Stage> {
  const cast = castOf(acme)
  const permissions = [api, files].map((resource) => ({ resource, scope: 'a:*' }))
  const ada = await cast.person('Ada', permissions)
  const all = { capabilities: ['a:*'], permissions }
  const kinds = { credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'] } }
  const agent = await cast.agent('agent', ada, { ...all, ...kinds })
  const [actor, operator] = [await cast.agent('actor', ada, all), await cast.agent('operator', ada, all)]
  const scopes = ['a:read', 'a:write']
  for (const audience of [api, files])
    await cast.resource(audience, scopes, { operator: operator.id, proof_mode: 'optional' })
  const credential = async (body: object) =>
    (await acme.api('post', `/v1/agents/${agent.id}/credentials`, body)).body.secret as string
  const secret = await credential({ kind: 'client_secret' })
  const apiKey = await credential({ kind: 'api_key', scope: ['a:read'] })

  const words = { delegate: agent.clientId, aud: [api], onward: [files], scope: 'a:read', max_depth: 3 }
  const root = await cast.delegate({ iss: ada.id, key: ada.key }, words)
  const { hash, statement } = await readStatement(root[0] as string)
  const onward = { ...words, delegate: actor.clientId, max_depth: 2, exp: statement.exp, par_hash: hash }
  const chain = await cast.delegate({ iss: agent.clientId, sub: ada.id, key: agent.key }, onward, root)
  const registered = await acme.api('post', '/v1/delegations', { statements: chain })
  if (registered.status !== 201) throw new Error(JSON.stringify(registered.body))

  // What the verifier says of itself, such as that it has heard of an end, would count as a change: it listens, and says nothing.
  let settled = false
  const quietly: typeof fetch = (input, init) =>
    settled && /\/(?:revocations|token|v1)\b/.test(new URL(String(input)).pathname)
      ? Promise.resolve(new Response(null, { status: 503 }))
      : fetch(input, init)
  const key = await AgentKey.generate()
  await acme.api('post', `/v1/agents/${operator.id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
  const { issuer } = acme
  const verifier = createVerifier({
    resource: api,
    issuers: [{ issuer, operator: createAgent({ issuer, clientId: operator.clientId, key, fetch: quietly }) }],
  })
  await verifier.ready()
  settled = true
  const stage: Stage = {
    authority,
    acme,
    other,
    cast,
    ada,
    agent,
    secret,
    apiKey,
    actor,
    operator,
    chain,
    authorityKey: await signingKeyOf(authority, acme),
    verifier,
    nonce: '',
    stop: () => verifier.stop(),
  }
  stage.nonce = await nonceOf(stage)
  return stage
}

async function nonceOf({ agent, cast, verifier }: Stage): Promise<string> {
  const token = await cast.token(agent, api)
  const proof = await createDpopProof(agent.key, { method: 'GET', url: api, now: seconds(), accessToken: token })
  const headers = new Headers({ authorization: `DPoP ${token}`, dpop: proof })
  const verdict = await verifier.verify({ method: 'GET', url: api, headers })
  return verdict.ok ? '' : (verdict.response().headers.get('dpop-nonce') ?? '')
}

/** A fresh assertion of an agent, as the parameters of a form. */
export async function assertionOf(
  stage: Pick<Stage, 'acme'>,
  { key, clientId }: Agent,
): Promise<Record<string, string>> {
  const { issuer } = stage.acme
  return {
    client_assertion: await signClientAssertion(key, { clientId, issuer, now: seconds() }),
    client_assertion_type: assertionType,
  }
}

/** Posts a form to an OAuth endpoint as this agent, with its key. */
export async function postAs(
  stage: Pick<Stage, 'acme'>,
  agent: Agent,
  path: string,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = new URLSearchParams({ ...(await assertionOf(stage, agent)), ...parameters })
  return post(`${stage.acme.issuer}${path}`, form, headers)
}

export const itself = { grant_type: 'client_credentials', resource: api }

/** The operator goes on to `files` for whoever called it. */
export const onBehalf = (subject_token: string): Record<string, string> => ({
  grant_type: exchangeGrant,
  subject_token,
  subject_token_type: accessTokenType,
  resource: files,
})

/** The actor takes the place of who holds the subject token. */
export const acting = (subject_token: string, actor_token: string): Record<string, string> => ({
  grant_type: exchangeGrant,
  subject_token,
  subject_token_type: accessTokenType,
  actor_token,
  actor_token_type: accessTokenType,
  resource: api,
})

/** The names of all that `tokensOf` issues. */
export const tokenNames = [
  'its own, bearer',
  'its own, bound',
  'delegated, bearer',
  'delegated, bound',
  'taken over by an actor',
  'on behalf of the caller',
  'for the authority’s own API',
] as const

export type TokenName = (typeof tokenNames)[number]

/** What Ada signs for the agent. */
export const rootWords = ({ ada, acme, agent }: Pick<Stage, 'ada' | 'acme' | 'agent'>) => ({
  iss: ada.id,
  sub: ada.id,
  delegate: agent.clientId,
  authority: acme.issuer,
  aud: [api],
  scope: 'a:read',
})

/** Each kind of access token that is issued, as whoever holds it gets it. `holder`: whose key it is bound to, if to any. */
export function tokensOf(stage: Stage): Record<TokenName, () => Promise<string>> {
  const { acme, agent, actor, operator, cast, chain } = stage
  const issued = async (asked: Promise<Answer>): Promise<string> => {
    const { status, body } = await asked
    if (status !== 200) throw new Error(JSON.stringify(body))
    return body.access_token
  }
  const delegated = (bearer: boolean) => {
    const parameters = {
      grant_type: exchangeGrant,
      subject_token: chain[0] as string,
      subject_token_type: jwtType,
      resource: api,
    }
    return issued(cast.ask(agent, parameters, { bearer }))
  }
  return {
    'its own, bearer': () => issued(cast.ask(agent, itself, { bearer: true })),
    'its own, bound': () => issued(cast.ask(agent, itself)),
    'delegated, bearer': () => delegated(true),
    'delegated, bound': () => delegated(false),
    'taken over by an actor': async () =>
      issued(cast.ask(actor, acting(await delegated(true), await cast.token(actor, api)), { bearer: true })),
    'on behalf of the caller': async () =>
      issued(cast.ask(operator, onBehalf(await delegated(true)), { bearer: true })),
    'for the authority’s own API': () => issued(cast.ask(agent, { ...itself, resource: `${acme.issuer}/v1` })),
  }
}

const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
