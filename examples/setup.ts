// What an administrator does once, before any of this: people, agents and resources are registered with the authority.
// The examples make their own at each run, over the HTTP API. `npm start` writes the profile they read.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Agent, AgentKey, createAgent } from '@credence/sdk'

type Profile = { issuer: string; administrator_secret: string }
type Registered = { id: string; client_id: string }

const profile = JSON.parse(readFileSync(process.env.CREDENCE_CLI_PROFILE ?? '.credence/cli.json', 'utf8')) as Profile

export const issuer: string = profile.issuer

/** Tells this run's names from those of runs before it: handles are given once, for ever. */
export const run: string = randomBytes(4).toString('hex')

export async function administer<T = Registered>(method: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${issuer}${path}`, {
    method,
    headers: { authorization: `Bearer ${profile.administrator_secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** A person with a signing key of their own. */
export async function person(
  name: string,
  may: { resource: string; scope: string },
): Promise<{ id: string; key: AgentKey }> {
  const key = await AgentKey.generate()
  const { id } = await administer('POST', '/v1/people', { name, permissions: [may] })
  await administer('POST', `/v1/people/${id}/keys`, { jwk: key.publicJwk })
  return { id, key }
}

/** An agent with a key that only this process has. `itself`: what it may do without being handed anything. */
export async function agent(
  name: string,
  about: { owner: string; capabilities: string[]; itself?: { resource: string; scope: string } },
): Promise<{ id: string; agent: Agent }> {
  const key = await AgentKey.generate({ algorithm: 'EdDSA' })
  const { id, client_id: clientId } = await administer('POST', '/v1/agents', {
    handle: `${name}-${run}`,
    owner: about.owner,
    purpose: `The ${name} of an example.`,
    capabilities: about.capabilities,
    permissions: about.itself ? [about.itself] : [],
  })
  await administer('POST', `/v1/agents/${id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
  return { id, agent: createAgent({ issuer, clientId, key }) }
}

/** A protected API, run by that agent. */
export async function resource(audience: string, scopes: string[], operator: string): Promise<void> {
  await administer('POST', '/v1/resources', { audience, name: 'An example', scopes, operator })
}
