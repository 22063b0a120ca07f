import {
  algorithms,
  clientAssertionType,
  generateSigningKey,
  hashText,
  importPublicKey,
  isRefusal,
  type PublicKey,
  type RefusalCode,
  refuse,
  verifyClientAssertion,
} from '@credence/protocol'
import { type Agent, type Credential, findAgentBySpiffeId, findCredentialByKid, publicKeyOf } from '../agents/index.ts'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { Way } from './client.ts'

/** For the metadata; Ed25519 is the newer name of what EdDSA means here (RFC 9864). */
export const assertionAlgorithms: readonly string[] = algorithms.flatMap((alg) =>
  alg === 'EdDSA' ? [alg, 'Ed25519'] : [alg],
)

/** An unknown client, an unknown key and a wrong signature are one answer: who cannot sign learns nothing. */
const unproven: ReadonlySet<RefusalCode> = new Set([
  'algorithm_not_allowed',
  'client_unknown',
  'key_unknown',
  'signature_invalid',
])

/** A signed assertion (RFC 7523, with the audience rule of draft-ietf-oauth-rfc7523bis). */
export const privateKeyJwt: Way = {
  name: 'private_key_jwt',
  isTried: ({ form }) => form.client_assertion !== undefined || form.client_assertion_type !== undefined,
  async prove(services, { organization, form }) {
    const { client_assertion: assertion, client_assertion_type: type } = form
    if (assertion === undefined || type !== clientAssertionType) {
      refuse('invalid_request', { detail: 'client_assertion and client_assertion_type must fit each other.' })
    }
    let found: { agent: Agent; credential: Credential } | undefined
    const keyOf = async (clientId: string, kid: string): Promise<PublicKey> => {
      found = await findKey(services, organization, clientId, kid)
      // With a key nobody holds, the signature is checked and fails as any wrong one does, in the same time.
      return found ? publicKeyOf(found.credential) : decoy()
    }
    const { clientId, jti, expiresAt } = await verify(services, organization, assertion, keyOf)
    if (found === undefined || found.agent.spiffeId !== clientId) refuse('client_authentication_failed')
    const row = {
      kind: 'assertion',
      id: await hashText(`${clientId}\n${jti}`),
      expires_at: expiresAt + services.config.clockToleranceSeconds,
    }
    return { ...found, steps: [{ do: 'insert', table: 'replay_ids', row, otherwise: 'assertion_replayed' }] }
  },
}

async function verify(
  services: Services,
  { issuer }: Organization,
  assertion: string,
  keyOf: (clientId: string, kid: string) => Promise<PublicKey>,
) {
  try {
    const now = nowSeconds(services.clock)
    const toleranceSeconds = services.config.clockToleranceSeconds
    return await verifyClientAssertion(assertion, { issuer, now, toleranceSeconds, keyOf })
  } catch (error) {
    if (isRefusal(error) && unproven.has(error.code)) refuse('client_authentication_failed', { cause: error })
    throw error
  }
}

async function findKey(services: Services, organization: Organization, clientId: string, kid: string) {
  const holder = await findAgentBySpiffeId(services, organization, clientId)
  // The client id is the agent's; which instance it is, the key says.
  const agent = holder?.instance === undefined ? holder?.agent : undefined
  const credential = await findCredentialByKid(services, organization, agent?.id ?? 'agt_', kid)
  return agent && credential?.kind === 'public_key' ? { agent, credential } : undefined
}

let madeDecoy: Promise<PublicKey> | undefined

function decoy(): Promise<PublicKey> {
  madeDecoy ??= generateSigningKey('ES256').then(({ publicJwk }) => importPublicKey(publicJwk))
  return madeDecoy
}
