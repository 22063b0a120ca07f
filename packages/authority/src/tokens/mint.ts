import { type AccessTokenClaims, newId, signAccessToken } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { activeKey } from './signing_keys.ts'

/** What a grant decides; the authority adds issuer, organization and id. */
export type NewToken = Omit<AccessTokenClaims, 'iss' | 'org' | 'jti'>

/** `kid`: the key that signed. Put `[kid, 0]` beside the lineage of the command that makes the token durable. */
export type MintedToken = { token: string; claims: AccessTokenClaims; kid: string }

/** Signs an access token with the organization's active key. It must not leave before its record is durable. */
export async function mint(services: Services, organization: Organization, token: NewToken): Promise<MintedToken> {
  const key = await activeKey(services, organization)
  const claims: AccessTokenClaims = {
    ...token,
    iss: organization.issuer,
    org: organization.id,
    jti: newId('tok'),
  }
  return { token: await signAccessToken(key, claims), claims, kid: key.kid }
}
