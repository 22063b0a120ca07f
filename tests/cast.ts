// Who plays in a test: people and agents with keys, resources, and the requests they make, with no client library between.

import {
  createDpopProof,
  generateSigningKey,
  joinChain,
  newStatement,
  type SigningKey,
  type StatementWords,
  signClientAssertion,
  signStatement,
} from '@credence/protocol'
import type { Answer, TestOrganization } from './authority.ts'

export type Person = { id: string; key: SigningKey }

export type Agent = {
  id: string
  clientId: string
  handle: string
  key: SigningKey
  credential: string
  /** The id of the one instance whose key this is. */
  instance?: { id: string; spiffeId: string }
}

export type Permission = { resource: string; scope: string }

export const seconds = (): number => Math.floor(Date.now() / 1000)

/** Everything that can go onto the stage of one organization. */
export function castOf(organization: TestOrganization) {
  const make = async (path: string, body: object): Promise<Answer['body']> => {
    const answer = await organization.api('post', path, body)
    if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return {
    async person(name: string, permissions: Permission[] = []): Promise<Person> {
      const { id } = await make('/v1/people', { name, permissions })
      const key = await generateSigningKey('ES256')
      await make(`/v1/people/${id}/keys`, { jwk: key.publicJwk })
      return { id, key }
    },
    async agent(handle: string, owner: Person, more: object = {}): Promise<Agent> {
      const body = { handle, owner: owner.id, purpose: 'Plays in a test.', ...more }
      const { id, client_id: clientId } = await make('/v1/agents', body)
      const key = await generateSigningKey('ES256')
      const { id: credential } = await make(`/v1/agents/${id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
      return { id, clientId, handle, key, credential }
    },
    async instanceOf(agent: Agent, more: object = {}): Promise<Agent> {
      const key = await generateSigningKey('EdDSA')
      const made = await make(`/v1/agents/${agent.id}/instances`, { jwk: key.publicJwk, ...more })
      return { ...agent, key, credential: made.credential, instance: { id: made.id, spiffeId: made.spiffe_id } }
    },
    async resource(audience: string, scopes: string[], more: object = {}): Promise<{ id: string; audience: string }> {
      const { id } = await make('/v1/resources', { audience, name: audience, scopes, ...more })
      return { id, audience }
    },
    /** Signs a statement for this organization's authority; answers the chain it ends, root first. */
    async delegate(
      by: { iss: string; sub?: string; key: SigningKey },
      words: Omit<StatementWords, 'iss' | 'sub' | 'authority'>,
      above: string[] = [],
    ): Promise<string[]> {
      const sub = by.sub ?? by.iss
      const statement = newStatement({ iss: by.iss, sub, authority: organization.issuer, ...words }, seconds())
      return [...above, await signStatement(by.key, statement)]
    },
    /** Asks for a token as this agent, with its key as proof. `parameters` go into the form as they are. */
    async ask(agent: Agent, parameters: Record<string, string>, how: Asking = {}): Promise<Answer> {
      const { issuer } = organization
      const url = `${issuer}/token`
      const now = seconds()
      const assertion =
        how.assertion ?? (await signClientAssertion(agent.key, { clientId: agent.clientId, issuer, now }))
      const form = new URLSearchParams({
        client_assertion: assertion,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        ...parameters,
      })
      const proof = how.proof ?? (await createDpopProof(agent.key, { method: 'POST', url, now }))
      const sentTo = how.at === undefined ? url : `${how.at}${new URL(url).pathname}`
      return post(sentTo, form, how.bearer ? {} : { dpop: proof })
    },
    /** A token for a chain, or for itself. */
    async token(agent: Agent, resource: string, more: Record<string, string> = {}): Promise<string> {
      const answer = await this.ask(agent, { grant_type: 'client_credentials', resource, ...more })
      if (answer.status !== 200) throw new Error(`no token: ${JSON.stringify(answer.body)}`)
      return answer.body.access_token
    },
    /** Whether a token is alive, asked as the operator of its resource. */
    async introspect(operator: Agent, token: string): Promise<boolean> {
      const { issuer } = organization
      const now = seconds()
      const form = new URLSearchParams({
        client_assertion: await signClientAssertion(operator.key, { clientId: operator.clientId, issuer, now }),
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        token,
      })
      return (await post(`${issuer}/introspect`, form)).body.active
    },
    exchange(agent: Agent, chain: string[], resource: string, more: Record<string, string> = {}): Promise<Answer> {
      return this.ask(agent, {
        grant_type: exchangeGrant,
        subject_token: joinChain(chain),
        subject_token_type: delegationType,
        resource,
        ...more,
      })
    },
  }
}

export type Cast = ReturnType<typeof castOf>

/** `at`: the origin of another node of the same authority. */
export type Asking = { bearer?: boolean; proof?: string; assertion?: string; at?: string }

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const delegationType = 'urn:credence:params:oauth:token-type:delegation'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** Posts a form. */
export async function post(url: string, form: URLSearchParams, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: form.toString(),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers }
}

/** What a JWT says, unverified: for looking at, in tests. */
export function claimsIn(token: string): Answer['body'] {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
