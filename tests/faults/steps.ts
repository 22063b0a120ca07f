// What a flow is made of: steps, each with the verdict that it has however often the process died before it.

import { signClientAssertion } from '@credence/protocol'
import type { Answer, TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, type Person, post, seconds } from '../cast.ts'

export const api = 'https://api.example/'

/** `expected`: what it answers, in words (`verdict`). */
export type Step = readonly [what: string, expected: string, act: () => Promise<string>]

/** Where a flow plays; agents of its own are its own to make. */
export type Ground = {
  acme: TestOrganization
  cast: Cast
  ada: Person
  operator: Agent
  /** A new agent that may read, and its name. */
  worker(): Promise<Agent>
  installation(method: string, path: string, body?: unknown): Promise<Answer>
  /** Of an organization of its own. */
  other(): Promise<TestOrganization>
}

/** It begins with what is there before the first step. */
export type Flow = (ground: Ground) => Promise<Step[]>

/** Status and code; of an end also whether it had ended already, and with which epoch. */
export function verdict({ status, body }: Answer): string {
  const code = body?.error_code ?? body?.code
  if (status >= 400) return `${status} ${code}`
  if (body?.fact) return `${status}${body.already_ended ? ' again' : ''} epoch ${body.fact.epoch}`
  return `${status}`
}

export async function groundOf(acme: TestOrganization, more: Pick<Ground, 'installation' | 'other'>): Promise<Ground> {
  const cast = castOf(acme)
  const ada = await cast.person('Ada', [{ resource: api, scope: 'repo:*' }])
  const operator = await cast.agent('operator', ada)
  await cast.resource(api, ['repo:read', 'repo:write'], { operator: operator.id })
  let made = 0
  const may = { capabilities: ['repo:*'], permissions: [{ resource: api, scope: 'repo:*' }] }
  return { acme, cast, ada, operator, worker: () => cast.agent(`worker-${++made}`, ada, may), ...more }
}

const itself = { grant_type: 'client_credentials', resource: api, scope: 'repo:read' }

/** What a flow remembers from step to step, as its caller would: in the caller's memory, not the authority's. */
export type Kept = { token?: string; id?: string; secret?: string; agent?: Agent; bytes?: string }

export const issues =
  (ground: Ground, agent: Agent, kept: Kept, more: Record<string, string> = {}) =>
  async () => {
    const answer = await ground.cast.ask(agent, { ...itself, ...more })
    if (answer.status === 200) kept.token = answer.body.access_token
    return verdict(answer)
  }

export const introspects =
  ({ cast, operator }: Ground, kept: Kept) =>
  async () =>
    (await cast.introspect(operator, kept.token ?? '')) ? 'active' : 'dead'

export const calls = (ground: Ground, method: string, path: string | (() => string), body?: object) => async () =>
  verdict(await ground.acme.api(method, typeof path === 'string' ? path : path(), body))

/** RFC 7009. */
export async function endOwn(
  { acme: { issuer } }: Ground,
  { key, clientId }: Agent,
  { token = '' }: Kept,
): Promise<string> {
  const client_assertion = await signClientAssertion(key, { clientId, issuer, now: seconds() })
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  return verdict(
    await post(`${issuer}/revoke`, new URLSearchParams({ client_assertion, client_assertion_type, token })),
  )
}
