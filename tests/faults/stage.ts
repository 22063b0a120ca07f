// Who acts under load, and the one way in which they ask: through the ledger.

import { randomBytes } from 'node:crypto'
import { createDpopProof, joinChain, signClientAssertion } from '@credence/protocol'
import type { TestOrganization } from '../authority.ts'
import {
  type Agent,
  type Cast,
  castOf,
  claimsIn,
  delegationType,
  exchangeGrant,
  type Person,
  seconds,
} from '../cast.ts'
import { type Deed, Ledger, type Result, type Wish } from './ledger.ts'

export const audience = 'https://api.example/'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** After this long without an answer the caller has none. */
const patienceMs = 20_000

export type Answered = { status: number; code?: string; result: Result } | undefined

export type Sending = { method?: string; path: string; form?: Record<string, string>; json?: object; proof?: string }

export class Stage {
  readonly organization: TestOrganization
  readonly ledger: Ledger
  readonly cast: Cast
  readonly person: Person
  /** Agents that nobody stops. The first two may hand on. */
  readonly steady: readonly Agent[]
  /** Agents that are suspended and resumed. */
  readonly stoppable: readonly Agent[]
  readonly operator: Agent
  readonly #reach: () => string

  private constructor(
    organization: TestOrganization,
    ledger: Ledger,
    actors: Pick<Stage, 'cast' | 'person' | 'steady' | 'stoppable' | 'operator'>,
    reach: () => string,
  ) {
    this.organization = organization
    this.ledger = ledger
    this.cast = actors.cast
    this.person = actors.person
    this.steady = actors.steady
    this.stoppable = actors.stoppable
    this.operator = actors.operator
    this.#reach = reach
  }

  /** @param reach where the next request goes, when there are several processes. */
  static async set(organization: TestOrganization, ledgerPath: string, reach: () => string): Promise<Stage> {
    const cast = castOf(organization)
    const may = { capabilities: ['repo:*'], permissions: [{ resource: audience, scope: 'repo:read' }] }
    const person = await cast.person('Ada', [{ resource: audience, scope: 'repo:*' }])
    const agents = (names: string[]) => Promise.all(names.map((name) => cast.agent(name, person, may)))
    const [steady, stoppable, operator] = [
      await agents(['planner', 'writer', 'reader']),
      await agents(['stoppable-one', 'stoppable-two', 'stoppable-three', 'stoppable-four']),
      await cast.agent('operator', person),
    ]
    await cast.resource(audience, ['repo:read', 'repo:write'], { operator: operator.id })
    return new Stage(organization, new Ledger(ledgerPath), { cast, person, steady, stoppable, operator }, reach)
  }

  agent(id: string): Agent {
    const found = [...this.steady, ...this.stoppable].find((agent) => agent.id === id)
    if (!found) throw new Error(`nobody on the stage is ${id}`)
    return found
  }

  /** Sends one request, with its lines in the ledger; undefined when no answer came. */
  async ask(wish: Omit<Wish, 'trace'>, sending: Sending): Promise<Answered> {
    const trace = randomBytes(16).toString('hex')
    const n = await this.ledger.asked({ ...wish, trace })
    try {
      const { status, body } = await this.send(sending, trace)
      const code = codeIn(body)
      const answer = { status, ...(code && { code }), result: status < 300 ? resultOf(wish.do, body) : {} }
      await this.ledger.answered(n, answer)
      return answer
    } catch (error) {
      const { name, cause } = error as Error
      await this.ledger.unanswered(n, cause instanceof Error ? cause.message : name)
      return undefined
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: what an answer is, is for the caller to say.
  async send(sending: Sending, trace = randomBytes(16).toString('hex')): Promise<{ status: number; body: any }> {
    const { method = 'POST', path, form, json, proof } = sending
    const { issuer, administratorSecret } = this.organization
    const response = await fetch(`${this.#reach()}${new URL(issuer).pathname}${path}`, {
      method,
      headers: {
        traceparent: `00-${trace}-${trace.slice(16)}-00`,
        ...(!form && { authorization: `Bearer ${administratorSecret}` }),
        ...(json && { 'content-type': 'application/json' }),
        ...(proof && { dpop: proof }),
      },
      ...(form && { body: new URLSearchParams(form) }),
      ...(json && { body: JSON.stringify(json) }),
      signal: AbortSignal.timeout(patienceMs),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text }
  }

  /** A client assertion that works for as long as one may: what is refused later is refused for having been used. */
  assertionOf(agent: Agent): Promise<string> {
    const { issuer } = this.organization
    return signClientAssertion(agent.key, { clientId: agent.clientId, issuer, now: seconds(), lifetime: 300 })
  }

  proofOf(agent: Agent): Promise<string> {
    const url = `${this.organization.issuer}/token`
    return createDpopProof(agent.key, { method: 'POST', url, now: seconds() })
  }

  /** Asks for a token, for the agent itself or with what was delegated to it. */
  async askToken(
    agent: Agent,
    { bearer, ...how }: Pick<Wish, 'chain' | 'delegation' | 'assertion' | 'proof' | 'again'> & { bearer?: true } = {},
  ): Promise<Answered> {
    const { chain } = how
    const assertion = how.assertion ?? (await this.assertionOf(agent))
    const proof = bearer ? undefined : (how.proof ?? (await this.proofOf(agent)))
    const grant = chain
      ? { grant_type: exchangeGrant, subject_token: joinChain(chain), subject_token_type: delegationType }
      : { grant_type: 'client_credentials', scope: 'repo:read' }
    const form = { client_assertion: assertion, client_assertion_type: assertionType, resource: audience, ...grant }
    const once = { assertion, ...(proof !== undefined && { proof }) }
    const wish = { ...how, ...once, do: chain ? ('exchange' as const) : ('issue' as const), id: agent.id }
    return this.ask(wish, { path: '/token', form, ...once })
  }

  /** RFC 7009, or RFC 7662. */
  async tokenForm(agent: Agent, token: string): Promise<Record<string, string>> {
    return { client_assertion: await this.assertionOf(agent), client_assertion_type: assertionType, token }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer off the wire.
function codeIn(body: any): string | undefined {
  return body?.error_code ?? body?.code
}

// biome-ignore lint/suspicious/noExplicitAny: an answer off the wire.
function resultOf(deed: Deed, body: any): Result {
  switch (deed) {
    case 'issue':
    case 'exchange': {
      const compact: string = body.access_token
      const { jti, exp, lineage } = claimsIn(compact)
      const { kid } = JSON.parse(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString())
      return { token: { jti, exp, lineage, kid, compact } }
    }
    case 'register agent':
      return { id: body.id, handle: body.handle }
    case 'register delegation':
      return { id: body.id, chain: body.chain }
    case 'revoke':
    case 'suspend': {
      const { seq, id, epoch } = body.fact
      return { fact: { seq, id, epoch }, alreadyEnded: body.already_ended, allKnow: body.acknowledged.all }
    }
    case 'rotate':
      return { id: body.id }
    default:
      return {}
  }
}
