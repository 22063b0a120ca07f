import { coversAll, isId, parseScope, refuse, type Statement } from '@credence/protocol'
import {
  findAgentBySpiffeId,
  findCredentialByKid,
  findInstance,
  type Held,
  unusable,
  usableUntil,
} from '../agents/index.ts'
import { findPerson } from '../people/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'

/** Who signed a statement, and with which of its keys. `holder`: `psn_` or `agt_` id. */
export type Delegator = Held & { holder: string }

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
  const { id, ...standing } = holder
  const found = { holder: id, ...standing, credential }
  if (credential.instance === undefined) return found
  const instance = await findInstance(services, organization, credential.instance)
  return instance && { ...found, instance }
}

/**
 * At first sight it must be possible to use the key now, whatever time the statement gives itself, and by the very rules that
 * let it authenticate. Refuses `delegator_unknown`, and
 * `scope_not_granted` for a key that may not carry what it signs.
 */
export function requireAlive(services: Services, delegator: Delegator | undefined, statement: Statement): Delegator {
  if (delegator === undefined) refuse('delegator_unknown')
  if (unusable(delegator, nowSeconds(services.clock)) !== undefined) refuse('delegator_unknown')
  const { credential } = delegator
  if (credential.scope !== undefined && !coversAll(credential.scope, parseScope(statement.scope))) {
    refuse('scope_not_granted', { detail: 'The key that signed may not carry this.' })
  }
  return delegator
}

/**
 * Until when the key that signed a statement is of use, Unix seconds: what it signed outlives neither it nor the instance it
 * belongs to. What the authority attests is bounded by the statement itself.
 */
export function signedUntil({ evidence }: Statement, delegator: Delegator | undefined): number {
  if (evidence.kind === 'attested') return Number.POSITIVE_INFINITY
  return delegator === undefined ? 0 : usableUntil(delegator)
}

async function findHolder(
  services: Services,
  organization: Organization,
  by: string,
): Promise<(Pick<Held, 'active' | 'policy'> & { id: string }) | undefined> {
  if (isId(by, 'psn')) {
    const person = await findPerson(services, organization, by)
    return person && { id: person.id, active: true }
  }
  if (!by.startsWith('spiffe://')) return undefined
  const found = await findAgentBySpiffeId(services, organization, by)
  // A statement is an agent's; which instance signed it, the key says.
  if (found === undefined || found.instance !== undefined) return undefined
  const { id, status, credentialPolicy: policy } = found.agent
  return { id, active: status === 'active', policy }
}
