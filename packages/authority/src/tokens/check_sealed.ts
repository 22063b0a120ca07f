import type { Services } from '../services.ts'
import { sealedSecret } from './secrets.ts'
import { sealedSigningKey } from './signing_keys.ts'

/**
 * Opens every signing key and secret that is still of use. Refuses `wrapping_key_missing` or `wrapping_key_wrong`, either of
 * which must stop the start: an authority that cannot open its keys would fail at the first request instead.
 */
export async function checkSealed(services: Pick<Services, 'store' | 'sealer'>): Promise<void> {
  let after: string | undefined
  for (;;) {
    const page = await services.store.global.organizations({ ...(after !== undefined && { after }), limit: 100 })
    for (const { organization } of page) await checkOne(services, organization)
    after = page.at(-1)?.organization
    if (after === undefined || page.length < 100) return
  }
}

async function checkOne({ store, sealer }: Pick<Services, 'store' | 'sealer'>, organization: string): Promise<void> {
  const reads = store.of(organization)
  const keys = await reads.list('signing_keys', {
    in: { column: 'state', values: ['prepared', 'published', 'active'] },
    order: { by: 'id' },
    limit: 1_000,
  })
  for (const { id, alg, sealed } of keys) {
    const opened = await sealer.open(sealed, sealedSigningKey({ id: organization }, { kid: id, alg }))
    opened.fill(0)
  }
  for (const { name, sealed } of await reads.list('secrets', { order: { by: 'name' }, limit: 1_000 })) {
    const opened = await sealer.open(sealed, sealedSecret(organization, name))
    opened.fill(0)
  }
}
