import { refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

const name = 'cursor_key'

/** Opened keys, by store: tests run several authorities in one process. */
const opened = new WeakMap<Services['store'], Map<string, Promise<CryptoKey>>>()

/** The key that authenticates this organization's cursors; made when first needed, the same on every process. */
export function cursorKey(services: Services, organization: Organization): Promise<CryptoKey> {
  let keys = opened.get(services.store)
  if (!keys) {
    keys = new Map()
    opened.set(services.store, keys)
  }
  const known = keys.get(organization.id)
  if (known) return known
  const opening = open(services, organization)
  keys.set(organization.id, opening)
  opening.catch(() => keys.delete(organization.id))
  return opening
}

async function open({ store, sealer, clock }: Services, { id }: Organization): Promise<CryptoKey> {
  const context = { organization: id, kid: name, alg: 'none', purpose: 'secret' }
  const reads = store.of(id)
  let row = await reads.get('secrets', { name })
  if (!row) {
    const sealed = await sealer.seal(crypto.getRandomValues(new Uint8Array(32)), context)
    const made = { name, sealed, created_at_ms: clock.nowMs() }
    // Another process may have been first: then its key is the one.
    const outcome = await store.commit({
      organization: id,
      steps: [{ do: 'insert_if_absent', table: 'secrets', row: made }],
      audit: null,
    })
    if (!outcome.done) refuse(outcome.refused)
    row = await reads.get('secrets', { name })
  }
  const secret = await sealer.open(row?.sealed ?? '', context)
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}
