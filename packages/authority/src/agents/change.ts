import { record } from '../audit/index.ts'
import { aliveNow, commit, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import { type Agent, type Permission, requireAgent } from './agent.ts'
import type { CredentialPolicy } from './credential_policy.ts'

/** What stays as it is is left out. */
export type AgentChange = {
  purpose?: string | undefined
  version?: string | undefined
  capabilities?: string[] | undefined
  permissions?: Permission[] | undefined
  credentialPolicy?: CredentialPolicy | undefined
}

type By = { by: string; traceId?: string | undefined }

/** Changes the record of an agent. Refuses `already_ended` when it has retired. */
export async function changeAgent(
  services: Services,
  organization: Organization,
  agent: Agent,
  change: AgentChange & By,
): Promise<Agent> {
  const { purpose, version, capabilities, permissions, credentialPolicy } = change
  const set: Partial<RowOf<'agents'>> = {
    ...(purpose !== undefined && { purpose }),
    ...(version !== undefined && { version }),
    ...(capabilities && { capabilities: JSON.stringify(capabilities) }),
    ...(permissions && { permissions: JSON.stringify(permissions) }),
    ...(credentialPolicy && { credential_policy: JSON.stringify(credentialPolicy) }),
  }
  if (Object.keys(set).length === 0) return agent
  return apply(services, organization, agent, { set, steps: [], action: 'change', ...change })
}

/** Gives an agent to another person. Refuses `owner_unknown`, and `already_ended` when it has retired. */
export async function transferAgent(
  services: Services,
  organization: Organization,
  agent: Agent,
  { owner, ...by }: { owner: string } & By,
): Promise<Agent> {
  const steps: Step[] = [
    { do: 'require', table: 'people', where: { id: owner }, otherwise: 'owner_unknown' },
    { do: 'alive', lineage: aliveNow(owner), otherwise: 'owner_unknown' },
  ]
  return apply(services, organization, agent, { set: { owner }, steps, action: 'transfer', ...by })
}

async function apply(
  services: Services,
  organization: Organization,
  { id }: Agent,
  { set, steps, action, by, traceId }: { set: Partial<RowOf<'agents'>>; steps: Step[]; action: string } & By,
): Promise<Agent> {
  await commit(services, {
    organization: organization.id,
    steps: [
      ...steps,
      { do: 'update', table: 'agents', where: { id, status: 'active' }, set, otherwise: 'already_ended' },
    ],
    audit: await record(
      services,
      organization,
      {
        type: 'agent.changed',
        by,
        agent: id,
        subject: id,
        action,
        outcome: 'done',
        ...(traceId && { trace_id: traceId }),
      },
      { change: set },
    ),
  })
  return requireAgent(services, organization, id)
}
