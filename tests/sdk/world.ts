// People, agents and a resource at a real authority, for tests of the SDK.

import { type Agent, AgentKey, createAgent } from '@credence/sdk'
import { createVerifier, type Verifier, type VerifierOptions } from '@credence/sdk/verify'
import type { TestOrganization } from '../authority.ts'

export type Member = { id: string; clientId: string; agent: Agent; key: AgentKey }

export class World {
  readonly organization: TestOrganization
  readonly #verifiers: Verifier[] = []
  #owner: Promise<string> | undefined
  #count = 0

  constructor(organization: TestOrganization) {
    this.organization = organization
  }

  get issuer(): string {
    return this.organization.issuer
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer of the API, as the test reads it.
  async api(method: string, path: string, body?: object): Promise<any> {
    const { status, body: answer } = await this.organization.api(method, path, body)
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`)
    return answer
  }

  async person(...may: Array<{ resource: string; scope: string }>): Promise<{ id: string; key: AgentKey }> {
    const key = await AgentKey.generate()
    const { id } = await this.api('post', '/v1/people', { name: 'Ada', permissions: may })
    await this.api('post', `/v1/people/${id}/keys`, { jwk: key.publicJwk })
    return { id, key }
  }

  async agent(
    capabilities: string[],
    more: { itself?: Array<{ resource: string; scope: string }>; kinds?: string[] } = {},
  ): Promise<Member> {
    this.#owner ??= this.api('post', '/v1/people', { name: 'Owner' }).then(({ id }) => id as string)
    const key = await AgentKey.generate({ algorithm: 'EdDSA' })
    const { id, client_id: clientId } = await this.api('post', '/v1/agents', {
      handle: `agent-${++this.#count}`,
      owner: await this.#owner,
      purpose: 'Is in a test.',
      capabilities,
      permissions: more.itself ?? [],
      credential_policy: { kinds: more.kinds ?? ['public_key'] },
    })
    await this.api('post', `/v1/agents/${id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
    return { id, clientId, key, agent: this.acting(clientId, { key }) }
  }

  acting(clientId: string, credential: { key: AgentKey } | { clientSecret: string } | { apiKey: string }): Agent {
    return createAgent({ issuer: this.issuer, clientId, ...credential })
  }

  /** A resource, the agent that runs it, and a verifier that is ready. */
  async service(
    audience: string,
    scopes: string[],
    more: { resource?: object; verifier?: Partial<VerifierOptions>; operator?: Member } = {},
  ): Promise<{ audience: string; operator: Member; verifier: Verifier }> {
    const operator = more.operator ?? (await this.agent([...scopes, 'feed:read']))
    await this.api('post', '/v1/resources', {
      audience,
      name: 'A service',
      scopes,
      operator: operator.id,
      ...more.resource,
    })
    const verifier = createVerifier({
      resource: audience,
      issuers: [{ issuer: this.issuer, operator: operator.agent }],
      ...more.verifier,
    })
    this.#verifiers.push(verifier)
    await verifier.ready()
    return { audience, operator, verifier }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#verifiers.map((verifier) => verifier.stop()))
  }
}
