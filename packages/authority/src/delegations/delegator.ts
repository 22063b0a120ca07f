import { coversAll, isId, parseScope, refuse, type Statement } from '@credence/protocol'
import {
  type Credential,
  findAgentBySpiffeId,
  findCredentialByKid,
  findInstance,
  type Instance,
} from '../agents/index.ts'
import { findPerson } from '../people/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'

/** Who signed a statement, and with which of its keys. `holder`: `psn_` or `agt_` id. */
export type Delegator = { holder: string; active: boolean; credential: Credential; instance?: Instance }

/** The delegator's registered key with this id, alive or not; undefined when there is none. */
export async function findDelegator(
  services: Services,
  organization: Organization,
  signed: { by: string; kid: string },
): Promise<Delegator | undefined> {
  const holder = await findHolder(services, organization, signed.by)
  if (holder === undefined) return undefined
  const credential = await findCredentialByKid(services, organization, holder.id, signed.kid)
  if (credential?.kind !== 'public_key') return undefined
  const found = { holder: holder.id, active: holder.active, credential }
  if (credential.instance === undefined) return found
  const instance = await findInstance(services, organization, credential.instance)
  return instance && { ...found, instance }
}

/**
 * At first sight the key must be alive, whatever time the statement gives itself. Refuses `delegator_unknown`, and
 * `scope_not_granted` for a key that may not carry what it signs.
 */
export function requireAlive(services: Services, delegator: Delegator | undefined, statement: Statement): Delegator {
  if (delegator === undefined) refuse('delegator_unknown')
  const { credential, instance } = delegator
  const now = nowSeconds(services.clock)
  const over = credential.endedAtMs !== undefined || now >= (credential.expiresAt ?? Infinity)
  if (!delegator.active || over || now < credential.notBefore) refuse('delegator_unknown')
  if (instance !== undefined && (!instance.alive || now >= instance.expiresAt)) refuse('delegator_unknown')
  if (credential.scope !== undefined && !coversAll(credential.scope, parseScope(statement.scope))) {
    refuse('scope_not_granted', { detail: 'The key that signed may not carry this.' })
  }
  return delegator
}

async function findHolder(
  services: Services,
  organization: Organization,
  by: string,
): Promise<{ id: string; active: boolean } | undefined> {
  if (isId(by, 'psn')) {
    const person = await findPerson(services, organization, by)
    return person && { id: person.id, active: true }
  }
  if (!by.startsWith('spiffe://')) return undefined
  const found = await findAgentBySpiffeId(services, organization, by)
  // A statement is an agent's; which instance signed it, the key says.
  if (found === undefined || found.instance !== undefined) return undefined
  return { id: found.agent.id, active: found.agent.status === 'active' }
}
