import { readSecret, sameHash } from '../agents/index.ts'
import type { Services } from '../services.ts'

/** Who may change what an organization, or the installation, consists of. */
export type Administrator = { id: string; name: string; createdAtMs: number; endedAtMs?: number }

/** The administrator of this organization (or of the installation) whose secret this is, compared in constant time. */
export async function findAdministratorBySecret(
  services: Services,
  organizationId: string,
  text: string,
): Promise<Administrator | undefined> {
  const secret = readSecret(text)
  if (secret?.kind !== 'administrator') return undefined
  const row = await services.store.of(organizationId).get('administrators', { id: secret.id })
  const matches = sameHash(row?.secret_hash ?? '', secret.hash)
  if (!row || !matches || row.ended_at_ms !== null) return undefined
  return { id: row.id, name: row.name, createdAtMs: row.created_at_ms }
}

/** In the order of their ids, ended ones included. */
export async function listAdministrators(
  services: Services,
  organizationId: string,
  query: { after?: string | undefined; limit: number },
): Promise<Administrator[]> {
  const rows = await services.store.of(organizationId).list('administrators', {
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAtMs: row.created_at_ms,
    ...(row.ended_at_ms !== null && { endedAtMs: row.ended_at_ms }),
  }))
}
