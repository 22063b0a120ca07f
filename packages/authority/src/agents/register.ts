import { agentSpiffeId, isHandle, newId, refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { aliveNow, commit, type Organization, type Services } from '../services.ts'
import { type Agent, type Permission, requireAgent } from './agent.ts'
import { type CredentialPolicy, defaultCredentialPolicy } from './credential_policy.ts'

export type NewAgent = {
  handle: string
  /** `psn_` id of the person who answers for it. */
  owner: string
  purpose: string
  version: string
  capabilities: string[]
  permissions: Permission[]
  credentialPolicy?: CredentialPolicy | undefined
  by: string
  traceId?: string | undefined
}

/** Refuses `handle_invalid`, `handle_taken` (also when its agent has retired), and `owner_unknown`. */
export async function registerAgent(services: Services, organization: Organization, wanted: NewAgent): Promise<Agent> {
  if (!isHandle(wanted.handle)) refuse('handle_invalid')
  const { handle, owner, purpose, version, capabilities, permissions } = wanted
  const { credentialPolicy = defaultCredentialPolicy, by, traceId } = wanted
  const id = newId('agt')
  const row = {
    id,
    handle,
    spiffe_id: agentSpiffeId(organization.trustDomain, handle),
    owner,
    purpose,
    version,
    capabilities: JSON.stringify(capabilities),
    permissions: JSON.stringify(permissions),
    credential_policy: JSON.stringify(credentialPolicy),
    status: 'active' as const,
    created_at_ms: services.clock.nowMs(),
  }
  await commit(services, {
    organization: organization.id,
    steps: [
      { do: 'require', table: 'people', where: { id: owner }, otherwise: 'owner_unknown' },
      { do: 'alive', lineage: aliveNow(owner), otherwise: 'owner_unknown' },
      { do: 'insert', table: 'agents', row, otherwise: 'handle_taken' },
    ],
    audit: await record(
      services,
      organization,
      { type: 'agent.registered', by, agent: id, subject: id, outcome: 'done', ...(traceId && { trace_id: traceId }) },
      { handle, owner, purpose, version, capabilities, permissions, credential_policy: credentialPolicy },
    ),
  })
  return requireAgent(services, organization, id)
}
