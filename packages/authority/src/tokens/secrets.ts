import type { Organization, Services } from '../services.ts'
import type { Store } from '../store/port.ts'
import type { SealedFor } from './sealing.ts'

// Secrets never change once written, so what was opened stays right; it may be forgotten at any time.
const opened = new WeakMap<Store, Map<string, Promise<Uint8Array<ArrayBuffer>>>>()
const mostOpened = 10_000

/**
 * A random 32-byte secret of this organization, the same on every node and after every start; made when first asked for.
 * `name` is a word of ours, such as `dpop_nonce`, never something a caller chose.
 */
export function organizationSecret(
  services: Pick<Services, 'store' | 'sealer' | 'clock'>,
  organization: Pick<Organization, 'id'>,
  name: string,
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
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = async () => (await store.of(organization).get('secrets', { name }))?.sealed
  let sealed = await read()
  if (sealed === undefined) {
    const made = await sealer.seal(crypto.getRandomValues(new Uint8Array(32)), sealedSecret(organization, name))
    const row = { name, sealed: made, created_at_ms: clock.nowMs() }
    // Two nodes may make one at once: both then read the one that was kept.
    await store.commit({ organization, steps: [{ do: 'insert_if_absent', table: 'secrets', row }], audit: null })
    sealed = await read()
  }
  if (sealed === undefined) throw new Error('a secret that was just committed cannot be read')
  return sealer.open(sealed, sealedSecret(organization, name))
}
