// One request for every row of the table that writes: it would have its effect, and is sent again as it is.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endpoints } from '@credence/authority'
import { createDpopProof, newId, readStatement, signClientAssertion } from '@credence/protocol'
import { AgentKey } from '@credence/sdk'
import type { Answer, TestOrganization } from '../authority.ts'
import { call } from '../authority.ts'
import { type Agent, type Cast, castOf, type Person, seconds } from '../cast.ts'
import type { Deployment } from './deployment.ts'

export type World = {
  origin: string
  installationSecret: string
  acme: TestOrganization
  cast: Cast
  ada: Person
  agent: Agent
  operator: Agent
}

/** The same bytes each time. */
export type Sending = { method: string; url: string; headers: Record<string, string>; body?: string }

export type Write = {
  name: string
  make(world: World): Promise<Sending>
  /** What the second of two is told, when the first had its effect. `done`: it has an effect of its own, and both are as said. */
  again: 'done' | 'said again' | string
  /** Records that its effect leaves in the log of the organization, and that the second leaves. */
  records: { first: number; again: number }
}

const audience = 'https://api.example/'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const any = () => randomBytes(6).toString('hex')

export async function worldOf(deployment: Deployment): Promise<World> {
  const acme = await deployment.createOrganization('acme')
  const cast = castOf(acme)
  const ada = await cast.person('Ada', [{ resource: audience, scope: 'repo:*' }])
  const may = { capabilities: ['repo:*'], permissions: [{ resource: audience, scope: 'repo:read' }] }
  const [agent, operator] = [await cast.agent('worker', ada, may), await cast.agent('operator', ada)]
  await cast.resource(audience, ['repo:read'], { operator: operator.id })
  const installationSecret = readFileSync(join(deployment.directory, 'installation-administrator'), 'utf8').trim()
  return { origin: deployment.origin, installationSecret, acme, cast, ada, agent, operator }
}

/** As an administrator of the organization. */
function asAdministrator({ acme }: World, method: string, path: string, body?: object): Sending {
  return json(`${acme.issuer}${path}`, method, acme.administratorSecret, body)
}

function json(url: string, method: string, secret: string, body?: object): Sending {
  const headers = { authorization: `Bearer ${secret}`, ...(body && { 'content-type': 'application/json' }) }
  return { method, url, headers, ...(body && { body: JSON.stringify(body) }) }
}

async function form({ acme }: World, by: Agent, path: string, parameters: Record<string, string>): Promise<Sending> {
  const { issuer } = acme
  const words = { clientId: by.clientId, issuer, now: seconds(), lifetime: 300 }
  const client_assertion = await signClientAssertion(by.key, words)
  const sent = new URLSearchParams({ client_assertion, client_assertion_type: assertionType, ...parameters })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', url: `${issuer}${path}`, headers, body: sent.toString() }
}

async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body
}

const newAgent = async ({ cast, ada }: World) => (await cast.agent(`agent-${any()}`, ada)).id

const newOrganization = async ({ origin, installationSecret }: World) => {
  const body = { handle: `org-${any()}` }
  return (await done(call(installationSecret, 'post', `${origin}/v1/organizations`, body))).id
}

const newDelegation = ({ cast, ada, agent }: World) =>
  cast.delegate({ iss: ada.id, key: ada.key }, { delegate: agent.clientId, aud: [audience], scope: 'repo:read' })

const newKey = async () => (await AgentKey.generate()).publicJwk

const once = { first: 1, again: 0 }
const twice = { first: 1, again: 1 }

const makers: Record<string, Pick<Write, 'make' | 'again'> & Partial<Write>> = {
  'POST /token': {
    async make(world) {
      const sending = await form(world, world.agent, '/token', { grant_type: 'client_credentials', resource: audience })
      const dpop = await createDpopProof(world.agent.key, { method: 'POST', url: sending.url, now: seconds() })
      return { ...sending, headers: { ...sending.headers, dpop } }
    },
    again: 'assertion_replayed',
  },
  'POST /introspect': {
    make: async (world) => {
      const token = await world.cast.token(world.agent, audience)
      return form(world, world.operator, '/introspect', { token })
    },
    again: 'assertion_replayed',
    records: { first: 0, again: 0 },
  },
  'POST /revoke': {
    make: async (world) => {
      const token = await world.cast.token(world.agent, audience)
      return form(world, world.agent, '/revoke', { token })
    },
    again: 'assertion_replayed',
  },
  'POST /revocations/acknowledgements': {
    async make({ acme, cast, operator }) {
      const token = await cast.token(operator, `${acme.issuer}/v1`, { scope: 'feed:read' })
      const url = `${acme.issuer}/revocations/acknowledgements`
      const dpop = await createDpopProof(operator.key, { method: 'POST', url, now: seconds(), accessToken: token })
      const headers = { authorization: `DPoP ${token}`, dpop, 'content-type': 'application/json' }
      const body = JSON.stringify({ resource: audience, seq: 0, point: newId('ept') })
      return { method: 'POST', url, headers, body }
    },
    again: 'proof_replayed',
    records: { first: 0, again: 0 },
  },
  'POST /v1/delegations': {
    make: async (world) =>
      asAdministrator(world, 'POST', '/v1/delegations', { statements: await newDelegation(world) }),
    again: 'said again',
  },
  'POST /v1/delegations/{id}/revoke': {
    async make(world) {
      const statements = await newDelegation(world)
      await done(world.acme.api('post', '/v1/delegations', { statements }))
      const { id } = await readStatement(statements[0] as string)
      return asAdministrator(world, 'POST', `/v1/delegations/${id}/revoke`, {})
    },
    again: 'said again',
    records: twice,
  },
  'POST /v1/revocations': {
    make: async (world) => asAdministrator(world, 'POST', '/v1/revocations', { id: newId('tok'), cause: 'test' }),
    again: 'said again',
    records: twice,
  },
  'POST /v1/revocations/restore': {
    async make(world) {
      const { id } = await world.cast.person('Bob')
      await done(world.acme.api('post', '/v1/revocations', { id, cause: 'test' }))
      return asAdministrator(world, 'POST', '/v1/revocations/restore', { id })
    },
    again: 'conflict',
  },
  'POST /v1/people': {
    make: async (world) => asAdministrator(world, 'POST', '/v1/people', { name: 'Eve' }),
    again: 'done',
  },
  'PATCH /v1/people/{id}': {
    async make(world) {
      const { id } = await world.cast.person('Bob')
      return asAdministrator(world, 'PATCH', `/v1/people/${id}`, { name: 'Robert' })
    },
    again: 'said again',
    records: twice,
  },
  'POST /v1/people/{id}/keys': {
    async make(world) {
      const { id } = await world.cast.person('Bob')
      return asAdministrator(world, 'POST', `/v1/people/${id}/keys`, { jwk: await newKey() })
    },
    again: 'key_taken',
  },
  'DELETE /v1/people/{id}/keys/{key}': {
    async make(world) {
      const { id } = await world.cast.person('Bob')
      const { keys } = await done(world.acme.api('get', `/v1/people/${id}`))
      return asAdministrator(world, 'DELETE', `/v1/people/${id}/keys/${keys[0].id}`)
    },
    again: 'already_ended',
  },
  'POST /v1/agents': {
    make: async (world) =>
      asAdministrator(world, 'POST', '/v1/agents', { handle: `new-${any()}`, owner: world.ada.id, purpose: 'Is new.' }),
    again: 'handle_taken',
  },
  'PATCH /v1/agents/{id}': {
    make: async (world) =>
      asAdministrator(world, 'PATCH', `/v1/agents/${await newAgent(world)}`, { purpose: 'Other.' }),
    again: 'said again',
    records: twice,
  },
  'PUT /v1/agents/{id}/owner': {
    async make(world) {
      const { id: owner } = await world.cast.person('Bob')
      return asAdministrator(world, 'PUT', `/v1/agents/${await newAgent(world)}/owner`, { owner })
    },
    again: 'said again',
    records: twice,
  },
  'POST /v1/agents/{id}/suspend': {
    make: async (world) => asAdministrator(world, 'POST', `/v1/agents/${await newAgent(world)}/suspend`, {}),
    again: 'already_ended',
  },
  'POST /v1/agents/{id}/resume': {
    async make(world) {
      const id = await newAgent(world)
      await done(world.acme.api('post', `/v1/agents/${id}/suspend`, {}))
      return asAdministrator(world, 'POST', `/v1/agents/${id}/resume`)
    },
    again: 'conflict',
  },
  'POST /v1/agents/{id}/retire': {
    make: async (world) => asAdministrator(world, 'POST', `/v1/agents/${await newAgent(world)}/retire`, {}),
    again: 'already_ended',
  },
  'POST /v1/agents/{id}/instances': {
    async make(world) {
      const path = `/v1/agents/${await newAgent(world)}/instances`
      return asAdministrator(world, 'POST', path, { jwk: await newKey() })
    },
    again: 'key_taken',
  },
  'POST /v1/agents/{id}/credentials': {
    async make(world) {
      const path = `/v1/agents/${await newAgent(world)}/credentials`
      return asAdministrator(world, 'POST', path, { kind: 'public_key', jwk: await newKey() })
    },
    again: 'key_taken',
  },
  'DELETE /v1/agents/{id}/credentials/{credential}': {
    async make(world) {
      const { id, credential } = await world.cast.agent(`agent-${any()}`, world.ada)
      return asAdministrator(world, 'DELETE', `/v1/agents/${id}/credentials/${credential}`)
    },
    again: 'already_ended',
  },
  'POST /v1/resources': {
    async make(world) {
      const body = { audience: `https://${any()}.example/`, name: 'New', scopes: ['a:b'], operator: world.operator.id }
      return asAdministrator(world, 'POST', '/v1/resources', body)
    },
    again: 'audience_taken',
  },
  'PATCH /v1/resources/{id}': {
    async make(world) {
      const { id } = await world.cast.resource(`https://${any()}.example/`, ['a:b'])
      return asAdministrator(world, 'PATCH', `/v1/resources/${id}`, { name: 'Other' })
    },
    again: 'said again',
    records: twice,
  },
  'POST /v1/signing-keys': {
    make: async (world) => asAdministrator(world, 'POST', '/v1/signing-keys'),
    again: 'conflict',
    // Prepared, and published.
    records: { first: 2, again: 0 },
  },
  'POST /v1/signing-keys/{id}/revoke': {
    async make(world) {
      const { items } = await done(world.acme.api('get', '/v1/signing-keys'))
      const { id } = items.find(({ state }: { state: string }) => state === 'active')
      return asAdministrator(world, 'POST', `/v1/signing-keys/${id}/revoke`, {})
    },
    again: 'already_ended',
  },
  'POST /v1/administrators': {
    make: async (world) => asAdministrator(world, 'POST', '/v1/administrators', { name: 'Second' }),
    again: 'done',
  },
  'DELETE /v1/administrators/{id}': {
    async make(world) {
      const { id } = await done(world.acme.api('post', '/v1/administrators', { name: 'Second' }))
      return asAdministrator(world, 'DELETE', `/v1/administrators/${id}`)
    },
    again: 'already_ended',
  },
  'POST /v1/organizations': {
    make: async ({ origin, installationSecret }) =>
      json(`${origin}/v1/organizations`, 'POST', installationSecret, { handle: `org-${any()}` }),
    again: 'handle_taken',
    records: { first: 0, again: 0 },
  },
  'POST /v1/organizations/{id}/suspend': {
    async make(world) {
      const url = `${world.origin}/v1/organizations/${await newOrganization(world)}/suspend`
      return json(url, 'POST', world.installationSecret, {})
    },
    again: 'already_ended',
    records: { first: 0, again: 0 },
  },
  'POST /v1/organizations/{id}/resume': {
    async make(world) {
      const url = `${world.origin}/v1/organizations/${await newOrganization(world)}`
      await done(call(world.installationSecret, 'post', `${url}/suspend`, {}))
      return json(`${url}/resume`, 'POST', world.installationSecret)
    },
    again: 'conflict',
    records: { first: 0, again: 0 },
  },
}

/** Generated from the table: a row that writes and has nothing here is an error. */
export const writes: readonly Write[] = endpoints
  .filter(({ method }) => method !== 'get')
  .map(({ method, path }) => {
    const name = `${method.toUpperCase()} ${path}`
    const maker = makers[name]
    if (!maker) throw new Error(`${name} writes, and nothing says what becomes of it when an answer is lost`)
    return { name, records: maker.again === 'done' ? twice : once, ...maker }
  })
