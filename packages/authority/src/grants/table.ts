import { refuse } from '@credence/protocol'
import { clientCredentials } from './client_credentials.ts'
import type { Grant } from './grant.ts'
import { tokenExchange } from './token_exchange.ts'

/** Every grant type. */
const grants: readonly Grant[] = [clientCredentials, tokenExchange]

export const grantTypes: readonly string[] = grants.map(({ type }) => type)

/** Refuses `grant_unsupported`. */
export function grantFor({ grant_type }: { grant_type?: string | undefined }): Grant {
  if (grant_type === undefined) refuse('invalid_request', { detail: 'grant_type is missing.' })
  return grants.find(({ type }) => type === grant_type) ?? refuse('grant_unsupported')
}
