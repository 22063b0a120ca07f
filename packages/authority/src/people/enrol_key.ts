import { type JsonObject, refuse } from '@credence/protocol'
import { type Credential, findCredential, publicKeyRow } from '../agents/index.ts'
import { record } from '../audit/index.ts'
import { aliveNow, commit, nowSeconds, type Organization, type Services } from '../services.ts'
import type { Person } from './person.ts'

export type NewKey = { jwk: JsonObject; expiresAt?: number | undefined; by: string; traceId?: string | undefined }

/**
 * Enrols a key with which a person signs delegations. Each enrolment is an entry of the log, so that nobody, the authority
 * included, gives a person a key unseen. Refuses `key_unusable`, `key_taken`.
 */
export async function enrolKey(
  services: Services,
  organization: Organization,
  person: Person,
  { jwk, expiresAt, by, traceId }: NewKey,
): Promise<Credential> {
  if (expiresAt !== undefined && expiresAt <= nowSeconds(services.clock)) {
    refuse('validation_failed', { detail: 'expires_at lies in the past.' })
  }
  const row = await publicKeyRow(services, { holder: person.id, jwk, expiresAt })
  await commit(services, {
    organization: organization.id,
    steps: [
      { do: 'require', table: 'people', where: { id: person.id }, otherwise: 'not_found' },
      { do: 'alive', lineage: aliveNow(person.id), otherwise: 'conflict' },
      { do: 'insert', table: 'credentials', row, otherwise: 'key_taken' },
    ],
    audit: await record(
      services,
      organization,
      {
        type: 'key.enrolled',
        by,
        principal: person.id,
        subject: row.id,
        outcome: 'done',
        ...(traceId && { trace_id: traceId }),
      },
      { jwk: JSON.parse(row.public_jwk ?? '') as JsonObject },
    ),
  })
  const credential = await findCredential(services, organization, row.id)
  return credential ?? refuse('internal_error')
}
