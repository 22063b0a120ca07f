import type { Organization, Services } from '../services.ts'
import type { Step, Store } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import type { SealedAt } from './first_key.ts'
import type { SealedFor } from './sealing.ts'

// Secrets never change once written, so what was opened stays right; it may be forgotten at any time.
const opened = new WeakMap<Store, Map<string, Promise<Uint8Array<ArrayBuffer>>>>()
const mostOpened = 10_000

const names = ['cursor', 'dpop_nonce'] as const

export type SecretName = (typeof names)[number]

/** The rows that give a new organization its secrets: whoever only reads later must not depend on room to write. */
export async function firstSecretSteps(services: SealedAt, organization: Pick<Organization, 'id'>): Promise<Step[]> {
  const rows = await Promise.all(names.map((name) => sealedRow(services, organization.id, name)))
  return rows.map((row) => ({ do: 'insert', table: 'secrets', row, otherwise: 'conflict' }))
}

/**
 * A random 32-byte secret of this organization, the same on every node and after every start; made when first asked for, if it
 * did not come with the organization.
 */
export function organizationSecret(
  services: Pick<Services, 'store' | 'sealer' | 'clock'>,
  organization: Pick<Organization, 'id'>,
  name: SecretName,
): Promise<Uint8Array<ArrayBuffer>> {
  const known = opened.get(services.store) ?? new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  opened.set(services.store, known)
  const key = `${organization.id}/${name}`
  const before = known.get(key)
  if (before !== undefined) return before
  const secret = readOrMake(services, organization.id, name)
  if (known.size >= mostOpened) known.delete(known.keys().next().value as string)
  known.set(key, secret)
  secret.catch(() => known.delete(key))
  return secret
}

/** What a sealed secret is bound to. */
export function sealedSecret(organization: string, name: string): SealedFor {
  return { organization, kid: name, alg: 'none', purpose: 'secret' }
}

async function readOrMake(
  { store, sealer, clock }: Pick<Services, 'store' | 'sealer' | 'clock'>,
  organization: string,
  name: SecretName,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = async () => (await store.of(organization).get('secrets', { name }))?.sealed
  let sealed = await read()
  if (sealed === undefined) {
    const row = await sealedRow({ sealer, clock }, organization, name)
    // Two nodes may make one at once: both then read the one that was kept.
    await store.commit({ organization, steps: [{ do: 'insert_if_absent', table: 'secrets', row }], audit: null })
    sealed = await read()
  }
  if (sealed === undefined) throw new Error('a secret that was just committed cannot be read')
  return sealer.open(sealed, sealedSecret(organization, name))
}

async function sealedRow(
  { sealer, clock }: SealedAt,
  organization: string,
  name: SecretName,
): Promise<RowOf<'secrets'>> {
  const sealed = await sealer.seal(crypto.getRandomValues(new Uint8Array(32)), sealedSecret(organization, name))
  return { name, sealed, created_at_ms: clock.nowMs() }
}
