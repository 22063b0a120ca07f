import { refuse } from '@credence/protocol'
import { type CredentialKind, findAgent, findCredentialBySecret } from '../agents/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Proven } from './client.ts'

/**
 * The agent a secret belongs to. Whatever is wrong, the work done and the answer are the same, so that nobody learns which
 * clients exist. `clientId` absent: the secret alone says whose it is.
 */
export async function proveSecret(
  services: Services,
  organization: Organization,
  shown: { secret: string; kind: CredentialKind; clientId?: string },
): Promise<Proven> {
  const credential = await findCredentialBySecret(services, organization, shown.secret)
  // Looked up even when there is no credential: a nil holder costs what a real one does.
  const agent = await findAgent(services, organization, credential?.holder ?? 'agt_AAAAAAAAAAAAAAAAAAAAAA')
  const fits = credential?.kind === shown.kind && (shown.clientId ?? agent?.spiffeId) === agent?.spiffeId
  if (!fits || agent === undefined) refuse('client_authentication_failed')
  return { agent, credential, steps: [] }
}
