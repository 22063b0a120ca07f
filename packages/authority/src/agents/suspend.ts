import { refuse } from '@credence/protocol'
import { type Revoked, restore, revoke } from '../revocation/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { Agent } from './agent.ts'

export type Stop = {
  by: string
  cause: string
  traceId?: string | undefined
}

/** Stops an agent until it is resumed: what it holds is dead, and stays dead when it comes back. Refuses `already_ended`. */
export function suspendAgent(
  services: Services,
  organization: Organization,
  agent: Agent,
  stop: Stop,
): Promise<Revoked> {
  if (agent.status !== 'active') refuse('already_ended')
  return revoke(services, organization, { id: agent.id, steps: [stillListed(agent)], ...ending(agent, stop) })
}

/** Lets a suspended agent obtain new tokens. Refuses `conflict` when it is not suspended, `already_ended` when it has retired. */
export function resumeAgent(
  services: Services,
  organization: Organization,
  agent: Agent,
  { by, traceId }: { by: string; traceId?: string | undefined },
): Promise<void> {
  if (agent.status === 'retired') refuse('already_ended')
  const audit = { agent: agent.id, ...(traceId && { trace_id: traceId }) }
  return restore(services, organization, { id: agent.id, by, steps: [stillListed(agent)], audit })
}

/** Ends an agent for good. Its record and its handle stay. Refuses `already_ended`. */
export function retireAgent(
  services: Services,
  organization: Organization,
  agent: Agent,
  stop: Stop,
): Promise<Revoked> {
  const { id, status } = agent
  const steps: Step[] = [
    {
      do: 'update',
      table: 'agents',
      where: { id, status: 'active' },
      set: { status: 'retired' },
      otherwise: 'already_ended',
    },
  ]
  // Nothing ends twice: what is suspended is brought back inside the same command, which nobody sees, and ended for good.
  const atMs = services.clock.nowMs()
  if (status === 'suspended') steps.push({ do: 'restore', id, atMs, otherwise: 'conflict' })
  return revoke(services, organization, { id, final: true, steps, ...ending(agent, stop) })
}

/** Suspension lives in the agent's standing; its row only says whether it has retired. */
function stillListed({ id }: Agent): Step {
  return { do: 'require', table: 'agents', where: { id, status: 'active' }, otherwise: 'already_ended' }
}

function ending({ id }: Agent, { by, cause, traceId }: Stop) {
  return { by, cause, audit: { agent: id, ...(traceId && { trace_id: traceId }) } }
}
