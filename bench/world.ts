import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentKey } from '@credence/sdk'
import { startServer } from './load.ts'
import { tokenForm } from './token_form.ts'

/** One organization, one resource, its operator and one agent: what every figure is measured in. */
export type Furnished = {
  /** Its id; and that of the person who owns the agents and may do all that they may. */
  organization: string
  person: string
  issuer: string
  audience: string
  scope: string
  agent: { id: string; clientId: string; key: AgentKey }
  operator: { id: string; clientId: string; key: AgentKey }
  post<T>(path: string, body: unknown): Promise<T>
  /** One more agent, which may do what the first may. */
  register(handle: string): Promise<Furnished['agent']>
}

/** Such an organization, and the authority that has it. */
export type World = Furnished & {
  /** The authority's process. */
  pid: number
  stop(): Promise<void>
}

/** What a server says when it listens. */
type Ready = { origin: string; installationSecret: string }

export const startWorld = async (options: { store?: string } = {}): Promise<World> => {
  const directory = mkdtempSync(join(tmpdir(), 'credence-bench-'))
  const server = await startServer<Ready>(
    [process.execPath, '--conditions=@credence/source', 'bench/serve_authority.ts'],
    { directory, store: options.store ?? `sqlite:${join(directory, 'credence.db')}` },
  )
  return {
    ...(await furnish(server.ready)),
    pid: server.pid,
    stop: async () => {
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Makes, at an authority that is new, what every figure is measured in. */
export const furnish = async ({ origin, installationSecret }: Ready): Promise<Furnished> => {
  const asAdministrator =
    (base: string, secret: string) =>
    async <T>(path: string, body: unknown): Promise<T> => {
      const response = await fetch(`${base}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    }
  const organization = await asAdministrator(origin, installationSecret)<{
    id: string
    issuer: string
    administrator: { secret: string }
  }>('/v1/organizations', { handle: `bench${Date.now()}` })
  const { issuer } = organization
  const post = asAdministrator(issuer, organization.administrator.secret)

  const audience = 'http://localhost:7000'
  const scope = 'records:read'
  const person = await post<{ id: string }>('/v1/people', {
    name: 'Ada',
    permissions: [{ resource: audience, scope: 'records:*' }],
  })
  const register = async (handle: string): Promise<Furnished['agent']> => {
    const key = await AgentKey.generate({ savable: true })
    const { id, client_id } = await post<{ id: string; client_id: string }>('/v1/agents', {
      handle,
      owner: person.id,
      purpose: 'To be measured.',
      capabilities: ['records:*'],
      permissions: [{ resource: audience, scope: 'records:*' }],
    })
    await post(`/v1/agents/${id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
    return { id, clientId: client_id, key }
  }
  const operator = await register('gateway')
  await post('/v1/resources', {
    audience,
    name: 'Records',
    scopes: [scope, 'records:write'],
    // Bearer tokens, as the peer issues them; the DPoP-bound figure asks for a proof on both sides.
    proof_mode: 'optional',
    operator: operator.id,
  })
  return {
    organization: organization.id,
    person: person.id,
    issuer,
    audience,
    scope,
    agent: await register('worker'),
    operator,
    post,
    register,
  }
}

/** A token that the agent has for itself. */
export const bearerToken = (world: Furnished): Promise<string> => unboundToken(world, world.agent)

/** The SDK binds every token it gets; unbound ones are asked for by hand. `form`: what is asked beside the resource and scope. */
export const unboundToken = async (
  { issuer, audience: resource, scope }: Furnished,
  { clientId, key }: Furnished['agent'],
  form: Record<string, string> = {},
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000)
  const body = await tokenForm({ issuer, clientId, key, now, form: { resource, scope, ...form } })
  const response = await fetch(`${issuer}/token`, { method: 'POST', body })
  if (!response.ok) throw new Error(`a token: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { access_token: string }).access_token
}
