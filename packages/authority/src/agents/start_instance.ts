import { instanceSpiffeId, type JsonObject, newId } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { aliveNow, commit, nowSeconds, type Organization, type Services } from '../services.ts'
import type { Agent } from './agent.ts'
import { type Credential, findCredential } from './credential.ts'
import { expiryUnder } from './credential_policy.ts'
import { findInstance, type Instance } from './instance.ts'
import { publicKeyRow } from './public_key.ts'

export type NewInstance = {
  /** Absent: the version in the agent's record. */
  version?: string | undefined
  lifetimeSeconds: number
  /** The instance's own public key. */
  jwk: JsonObject
  by: string
  traceId?: string | undefined
}

/** Registers a running copy of an agent with its own key, which ends with it. Refuses `agent_not_active`, `key_unusable`. */
export async function startInstance(
  services: Services,
  organization: Organization,
  agent: Agent,
  wanted: NewInstance,
): Promise<{ instance: Instance; credential: Credential }> {
  const now = nowSeconds(services.clock)
  const expiresAt = now + wanted.lifetimeSeconds
  expiryUnder(agent.credentialPolicy, { kind: 'public_key', expiresAt, now })
  const id = newId('ins')
  const { by, traceId, version = agent.version } = wanted
  const instance = {
    id,
    agent: agent.id,
    spiffe_id: instanceSpiffeId(organization.trustDomain, agent.handle, id),
    version,
    created_at_ms: services.clock.nowMs(),
    expires_at: expiresAt,
  }
  const holder = { holder: agent.id, instance: id }
  const key = await publicKeyRow(services, { ...holder, jwk: wanted.jwk, expiresAt })
  await commit(services, {
    organization: organization.id,
    steps: [
      { do: 'require', table: 'agents', where: { id: agent.id, status: 'active' }, otherwise: 'agent_not_active' },
      { do: 'alive', lineage: aliveNow(agent.id), otherwise: 'agent_not_active' },
      { do: 'insert', table: 'instances', row: instance, otherwise: 'conflict' },
      { do: 'insert', table: 'credentials', row: key, otherwise: 'key_taken' },
    ],
    audit: await record(
      services,
      organization,
      {
        type: 'instance.started',
        by,
        agent: agent.id,
        instance: id,
        subject: key.id,
        outcome: 'done',
        ...(traceId && { trace_id: traceId }),
      },
      { version, expires_at: expiresAt, jwk: JSON.parse(key.public_jwk ?? '') as JsonObject },
    ),
  })
  const started = await findInstance(services, organization, id)
  const credential = await findCredential(services, organization, key.id)
  if (!started || !credential) throw new Error('an instance that was just committed cannot be read')
  return { instance: started, credential }
}
