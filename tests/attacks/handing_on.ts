// Nine agents, Ada, two resources, and who hands what on to whom: for tests of delegation and exchange.

import { readStatement } from '@credence/protocol'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, type Person } from '../cast.ts'

export const api = 'https://api.example/'
export const files = 'https://files.example/'
let authority: TestAuthority
export let acme: TestOrganization
export let other: TestOrganization
export let cast: Cast
export let ada: Person
let agents: Agent[]

export const code = ({ status, body }: Answer) => [status, body.error, body.error_code]
export const agentAt = (place: number) => agents[place] as Agent

/** Call it first, and `stop` last. */
export async function start(): Promise<void> {
  authority = await startTestAuthority({ organizations: ['acme', 'other'] })
  acme = authority.organizations.acme as TestOrganization
  other = authority.organizations.other as TestOrganization
  cast = castOf(acme)
  ada = await cast.person(
    'Ada',
    [api, files].map((resource) => ({ resource, scope: 'a:*' })),
  )
  agents = []
  for (let place = 0; place < 9; place++) {
    const permissions = [{ resource: api, scope: 'a:read' }]
    agents.push(await cast.agent(`agent-${place}`, ada, { capabilities: ['a:*'], permissions }))
  }
  await cast.resource(api, ['a:read', 'a:write'], { operator: agentAt(8).id })
  await cast.resource(files, ['a:read', 'a:write'])
}

export const stop = (): Promise<void> => authority.stop()

export type Words = Parameters<Cast['delegate']>[1]

export const fromAda = (more: Partial<Words> = {}, key = ada.key) =>
  cast.delegate(
    { iss: ada.id, key },
    { delegate: agentAt(0).clientId, aud: [api], scope: 'a:*', max_depth: 7, ...more },
  )

/** Agent `from` hands on to agent `to`. */
export async function handOn(chain: string[], from: number, to: number, more: Partial<Words> = {}): Promise<string[]> {
  const { hash, statement } = await readStatement(chain.at(-1) as string)
  const { key, clientId } = agentAt(from)
  const words = {
    delegate: agentAt(to).clientId,
    aud: statement.aud,
    scope: statement.scope,
    max_depth: Math.max(0, statement.max_depth - 1),
    exp: statement.exp,
    par_hash: hash,
    ...(statement.task !== undefined && { task: statement.task }),
    ...more,
  }
  return cast.delegate({ iss: clientId, sub: statement.sub, key }, words, chain)
}

export const tokenOf = async (answer: Promise<Answer>): Promise<string> => {
  const { status, body } = await answer
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body.access_token
}
