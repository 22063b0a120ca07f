import {
  type Algorithm,
  importPublicKey,
  importSigningKey,
  type JsonObject,
  type KeyLookup,
  type PublicKey,
  refuse,
  type SigningKey,
} from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { Store } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import type { SealedFor } from './sealing.ts'

export type SigningKeyState = RowOf<'signing_keys'>['state']

export type SigningKeyRecord = {
  kid: string
  alg: Algorithm
  state: SigningKeyState
  publicJwk: JsonObject
  /** Unix milliseconds, as all that follow; null: not yet. */
  preparedAtMs: number
  publishedAtMs: number | null
  activatedAtMs: number | null
  retiredAtMs: number | null
  revokedAtMs: number | null
}

/** How long a node trusts what it read about key states. Publishing waits longer than this before a key signs. */
export const stateCacheMs = 2_000

/** How long a retired key is still shown: the longest life of anything it signed (attested statements, 90 days), and a day. */
const retiredRetentionMs = 91 * 24 * 3_600_000

/** How long others may cache the key set: well below the lead a new key is published with. */
export function jwksMaxAgeSeconds({ config }: Pick<Services, 'config'>): number {
  return Math.min(300, Math.floor(config.signingKeyLeadSeconds / 2))
}

/** An unknown kid makes a node read again, but not more often than this. */
const rereadCoolDownMs = 1_000

type Shown = { readAtMonotonicMs: number; active: RowOf<'signing_keys'> | undefined; honoured: Map<string, PublicKey> }

// Beside the store they were read from, so that several authorities in one process do not mix. What is kept may be lost at
// any time; it is never the only copy of anything.
const caches = new WeakMap<Store, { shown: Map<string, Shown>; signers: Map<string, SigningKey> }>()

/** Every signing key of the organization, in order of their ids. */
export async function listSigningKeys(
  services: Pick<Services, 'store'>,
  organization: Pick<Organization, 'id'>,
): Promise<SigningKeyRecord[]> {
  const rows = await listAll(services.store, organization)
  return rows.map((row) => ({
    kid: row.id,
    alg: row.alg as Algorithm,
    state: row.state,
    publicJwk: JSON.parse(row.public_jwk) as JsonObject,
    preparedAtMs: row.prepared_at_ms,
    publishedAtMs: row.published_at_ms,
    activatedAtMs: row.activated_at_ms,
    retiredAtMs: row.retired_at_ms,
    revokedAtMs: row.revoked_at_ms,
  }))
}

/** The key that signs now. Refuses `signing_key_unavailable` when it cannot be opened here: another process sealed it, and verifying goes on. */
export async function activeKey(services: Services, organization: Organization): Promise<SigningKey> {
  const { active } = await shown(services, organization)
  if (active === undefined) refuse('internal_error', { cause: new Error('the organization has no active signing key') })
  const { signers } = cacheOf(services.store)
  const known = signers.get(active.id)
  if (known !== undefined) return known
  const key = await unseal(services, organization, active).catch((cause: unknown) =>
    refuse('signing_key_unavailable', { cause }),
  )
  remember(signers, active.id, key)
  return key
}

/** The keys whose signatures are honoured: published, active, and retired while anything they signed can live. */
export async function publicKeys(services: Services, organization: Organization): Promise<PublicKey[]> {
  return [...(await shown(services, organization)).honoured.values()]
}

/** Looks keys up by issuer and key id, for this organization's issuer only. */
export function lookup(services: Services, organization: Organization): KeyLookup {
  return async (issuer, kid) => {
    if (issuer !== organization.issuer || kid === undefined) return undefined
    const now = await shown(services, organization)
    const key = now.honoured.get(kid)
    if (key !== undefined) return key
    if (services.clock.monotonicMs() - now.readAtMonotonicMs < rereadCoolDownMs) return undefined
    forgetKeyStates(services, organization)
    return (await shown(services, organization)).honoured.get(kid)
  }
}

/** The organization's JWK Set (RFC 7517). */
export async function jwks(services: Services, organization: Organization): Promise<{ keys: JsonObject[] }> {
  const keys = await publicKeys(services, organization)
  return { keys: keys.map(({ kid, alg, jwk }) => ({ ...jwk, kid, alg, use: 'sig' })) }
}

/** Makes this node read key states again: after it changed them, or when a command says that its key is gone. */
export function forgetKeyStates(services: Pick<Services, 'store'>, organization: Pick<Organization, 'id'>): void {
  cacheOf(services.store).shown.delete(organization.id)
}

/** What a sealed private key is bound to. */
export function sealedSigningKey(organization: { id: string }, key: { kid: string; alg: string }): SealedFor {
  return { organization: organization.id, kid: key.kid, alg: key.alg, purpose: 'signing_key' }
}

async function shown(services: Services, organization: Organization): Promise<Shown> {
  const { shown } = cacheOf(services.store)
  const readAtMonotonicMs = services.clock.monotonicMs()
  const known = shown.get(organization.id)
  if (known !== undefined && readAtMonotonicMs - known.readAtMonotonicMs < stateCacheMs) return known
  const rows = await listAll(services.store, organization, ['published', 'active', 'retired'])
  const longAgo = services.clock.nowMs() - retiredRetentionMs
  const honoured = new Map<string, PublicKey>()
  for (const row of rows) {
    if (row.retired_at_ms !== null && row.retired_at_ms < longAgo) continue
    honoured.set(row.id, known?.honoured.get(row.id) ?? (await importPublicKey(JSON.parse(row.public_jwk), row.id)))
  }
  const read = { readAtMonotonicMs, active: rows.find(({ state }) => state === 'active'), honoured }
  remember(shown, organization.id, read)
  return read
}

const pageSize = 1_000

/** However many have been retired: the one that signs may be the last of them. */
async function listAll(
  store: Store,
  organization: Pick<Organization, 'id'>,
  states?: readonly SigningKeyState[],
): Promise<Array<RowOf<'signing_keys'>>> {
  const all: Array<RowOf<'signing_keys'>> = []
  for (;;) {
    const last = all.at(-1)
    const page = await store.of(organization.id).list('signing_keys', {
      ...(states && { in: { column: 'state', values: states } }),
      order: { by: 'id' },
      limit: pageSize,
      ...(last && { after: last.id }),
    })
    all.push(...page)
    if (page.length < pageSize) return all
  }
}

async function unseal(
  services: Pick<Services, 'sealer'>,
  organization: Organization,
  row: RowOf<'signing_keys'>,
): Promise<SigningKey> {
  const opened = await services.sealer.open(row.sealed, sealedSigningKey(organization, { kid: row.id, alg: row.alg }))
  // From here on only the function that signs holds the key, and nobody can read it out of that.
  const key = await importSigningKey(JSON.parse(new TextDecoder().decode(opened)), row.id)
  opened.fill(0)
  return key
}

function cacheOf(store: Store) {
  const known = caches.get(store)
  if (known !== undefined) return known
  const empty = { shown: new Map<string, Shown>(), signers: new Map<string, SigningKey>() }
  caches.set(store, empty)
  return empty
}

/** Bounded: the entry kept longest goes first. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  const most = 10_000
  if (map.size >= most) map.delete(map.keys().next().value as string)
  map.set(key, value)
}
