import type { Organization, Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'
import type { RegisteredChain, RegisteredHop } from './registered_chain.ts'

/** The chain that ends in this statement, or undefined when the authority does not know it. */
export async function loadChain(
  _services: Services,
  _organization: Organization,
  _hash: string,
): Promise<RegisteredChain | undefined> {
  return undefined
}

/** The statement with this hash, as its delegator signed it. */
export async function statementByHash(
  _services: Services,
  _organization: Organization,
  _hash: string,
): Promise<string | undefined> {
  return undefined
}

export async function findDelegation(
  _services: Services,
  _organization: Organization,
  _id: string,
): Promise<RegisteredHop | undefined> {
  return undefined
}

/** Delegations in order of their ids. */
export async function listDelegations(
  _services: Services,
  _organization: Organization,
  _query: { where?: Partial<RowOf<'delegations'>>; after?: string; limit: number },
): Promise<RegisteredHop[]> {
  return []
}
