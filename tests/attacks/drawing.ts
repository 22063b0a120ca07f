// Ada, agents, two resources and a clock that can be put ahead: for tests of what a token, or a delegation, draws on.

import { generateSigningKey, readStatement } from '@credence/protocol'
import { expect, vi } from 'vitest'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, accessTokenType, type Cast, castOf, claimsIn, exchangeGrant, type Person } from '../cast.ts'

export const docs = 'https://docs.example/'
export const mail = 'https://mail.example/'
export const everything = [docs, mail].map((resource) => ({ resource, scope: 'docs:* mail:*' }))
export let authority: TestAuthority
export let acme: TestOrganization
export let cast: Cast
export let ada: Person
export let operator: Agent
let agents = 0

export const code = ({ status, body }: Answer) => (status === 200 ? 'granted' : body.error_code)

/** Call it first, and `stop` last. */
export async function start(): Promise<void> {
  vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  authority = await startTestAuthority({ organizations: ['acme'], clock })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada', everything)
  operator = await newAgent()
  await cast.resource(docs, ['docs:read', 'docs:write'], { operator: operator.id })
  await cast.resource(mail, ['mail:send', 'mail:read'])
}

export async function stop(): Promise<void> {
  await authority.stop()
  vi.restoreAllMocks()
}

export function newAgent(more: object = {}): Promise<Agent> {
  const permissions = [{ resource: docs, scope: 'docs:*' }]
  return cast.agent(`agent-${agents++}`, ada, { capabilities: ['docs:*', 'mail:*'], permissions, ...more })
}

const { now } = Date
let aheadMs = 0

/** The clock that the authority and this test go by jumps, and never back. */
export function later(ms: number): void {
  aheadMs += ms
}

type Words = Parameters<Cast['delegate']>[1]
export const words = (to: Agent, more: Partial<Words> = {}): Words => ({
  delegate: to.instance?.spiffeId ?? to.clientId,
  aud: [docs],
  scope: 'docs:read docs:write',
  ...more,
})
export const fromAda = (to: Agent, more: Partial<Words> = {}, key = ada.key) =>
  cast.delegate({ iss: ada.id, key }, words(to, more))
export const from = (by: Agent, to: Agent, more: Partial<Words> = {}) =>
  cast.delegate({ iss: by.clientId, key: by.key }, words(to, more))

export async function handOn(chain: string[], by: Agent, to: Agent, more: Partial<Words> = {}): Promise<string[]> {
  const { hash, statement } = await readStatement(chain.at(-1) as string)
  const { aud, scope, exp, sid, sub, task } = statement
  const inherited = { aud, scope, exp, par_hash: hash, ...(task && { task }), ...(sid && { sid }) }
  return cast.delegate({ iss: by.clientId, sub, key: by.key }, { ...words(to), ...inherited, ...more }, chain)
}

export const onBehalf = (subject: string, more: Record<string, string> = {}, by: Agent = operator) =>
  cast.ask(by, {
    grant_type: exchangeGrant,
    subject_token: subject,
    subject_token_type: accessTokenType,
    resource: mail,
    ...more,
  })

/** Takes the place of whoever holds this token. */
export const takeOver = async (subject: string, by: Agent) =>
  cast.ask(by, {
    grant_type: exchangeGrant,
    subject_token: subject,
    subject_token_type: accessTokenType,
    actor_token: await cast.token(by, docs),
    actor_token_type: accessTokenType,
    resource: docs,
  })

export async function granted(asked: Promise<Answer>): Promise<string> {
  const { status, body } = await asked
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body.access_token
}

/** The chain that a token names, statement by statement. */
export async function chainOf(token: string): Promise<string[]> {
  const hops: Array<{ hash: string }> = claimsIn(token).delegation_chain
  return Promise.all(hops.map(async ({ hash }) => (await acme.api('get', `/statements/${hash}`)).body))
}

export const end = async (id: string) =>
  expect((await acme.api('post', '/v1/revocations', { id, cause: 'compromised' })).status).toBe(200)

/** The same agent, with a further key that obtains only this. */
export const limited = async (agent: Agent, scope: string[]): Promise<Agent> => {
  const key = await generateSigningKey('EdDSA')
  const body = { kind: 'public_key', jwk: key.publicJwk, scope }
  const { body: made } = await acme.api('post', `/v1/agents/${agent.id}/credentials`, body)
  return { ...agent, key, credential: made.id }
}
