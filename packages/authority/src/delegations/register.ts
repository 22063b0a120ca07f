import { refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { RegisteredChain } from './registered_chain.ts'

/** Makes a chain of signed statements (root first) known to the authority. What is known already stays as it was stamped. */
export async function registerChain(
  _services: Services,
  _organization: Organization,
  _statements: readonly string[],
  _by: string,
): Promise<RegisteredChain> {
  return refuse('internal_error')
}
