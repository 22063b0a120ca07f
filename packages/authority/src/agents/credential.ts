import { type JsonObject, type PublicKey, refuse, rememberedKeys } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { oncePerRow } from '../store/per_row.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import type { CredentialKind } from './credential_policy.ts'
import { readSecret, sameHash } from './secret.ts'

/** How an agent proves itself, or a person signs. */
export type Credential = {
  id: string
  /** The agent or person it proves. */
  holder: string
  /** The one instance it is for; absent: any. */
  instance?: string
  kind: CredentialKind
  kid?: string
  publicJwk?: JsonObject
  /** A ceiling on what tokens obtained with it may carry; absent: none of its own. */
  scope?: string[]
  createdAtMs: number
  /** Unix seconds. */
  notBefore: number
  /** Unix seconds; absent: never. */
  expiresAt?: number
  /** To the minute. */
  lastUsedAtMs?: number
  endedAtMs?: number
}

export async function findCredential(
  services: Services,
  organization: Organization,
  id: string,
): Promise<Credential | undefined> {
  const row = await services.store.of(organization.id).get('credentials', { id })
  return row && credentialOf(row)
}

/** The public key that this holder has under this key id, whether or not it may still be used. */
export async function findCredentialByKid(
  services: Services,
  organization: Organization,
  holder: string,
  kid: string,
): Promise<Credential | undefined> {
  const row = await services.store.of(organization.id).get('credentials', { holder, kid })
  return row && credentialOf(row)
}

/**
 * The credential that this client secret or API key is, whether or not it may still be used; undefined when it is none of
 * this organization's. Found by the id inside, compared by hash in constant time.
 */
export async function findCredentialBySecret(
  services: Services,
  organization: Organization,
  text: string,
): Promise<Credential | undefined> {
  const secret = readSecret(text)
  if (secret === undefined || secret.kind === 'administrator') return undefined
  const row = await services.store.of(organization.id).get('credentials', { id: secret.id })
  const matches = sameHash(row?.secret_hash ?? '', secret.hash)
  return row && matches && row.kind === secret.kind ? credentialOf(row) : undefined
}

/** In the order of their ids, ended ones included. */
export async function listCredentials(
  services: Services,
  organization: Organization,
  query: { holder: string; after?: string | undefined; limit: number },
): Promise<Credential[]> {
  const rows = await services.store.of(organization.id).list('credentials', {
    where: { holder: query.holder },
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return rows.map(credentialOf)
}

const importedKey = rememberedKeys(10_000)

/** The key of a public-key credential. Whether it may still be used is for the credential to say, each time. */
export const publicKeyOf = oncePerRow(({ publicJwk, kid }: Credential): Promise<PublicKey> => {
  return publicJwk ? importedKey(publicJwk, kid) : refuse('internal_error')
})

/** A use is noted at most this often. */
const notedEveryMs = 60_000

/** What to add to the command that a credential was used for: nothing when a use was noted a moment ago. */
export function usedSteps({ id, lastUsedAtMs = 0 }: Credential, nowMs: number): Step[] {
  const notedBefore = nowMs - notedEveryMs
  if (lastUsedAtMs > notedBefore) return []
  return [
    {
      do: 'touch',
      table: 'credentials',
      where: { id },
      set: { last_used_at_ms: nowMs },
      olderThan: { column: 'last_used_at_ms', value: notedBefore },
    },
  ]
}

const credentialOf = oncePerRow(
  (row: RowOf<'credentials'>): Credential => ({
    id: row.id,
    holder: row.holder,
    kind: row.kind,
    createdAtMs: row.created_at_ms,
    notBefore: row.not_before,
    ...(row.instance !== null && { instance: row.instance }),
    ...(row.kid !== null && { kid: row.kid }),
    ...(row.public_jwk !== null && { publicJwk: JSON.parse(row.public_jwk) as JsonObject }),
    ...(row.scope !== null && { scope: row.scope.split(' ').filter((scope) => scope !== '') }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(row.last_used_at_ms !== null && { lastUsedAtMs: row.last_used_at_ms }),
    ...(row.ended_at_ms !== null && { endedAtMs: row.ended_at_ms }),
  }),
)
