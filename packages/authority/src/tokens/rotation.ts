import { refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { sealedKeyRow } from './first_key.ts'
import { forgetKeyStates, listSigningKeys, type SigningKeyRecord, stateCacheMs } from './signing_keys.ts'

/** Of an organization, what rotation needs. */
type Rotated = Pick<Organization, 'id' | 'signingAlgorithm'>

/** A step another node took first is no failure: the next look finds its result. */
type Taken = boolean

/**
 * Takes an organization's signing keys one step further if their time has come: prepare, publish, and, once every cache of
 * the key set has run out, activate. Safe on many nodes at once: each step is one conditional command.
 */
export async function rotateOne(services: Services, organization: Rotated): Promise<void> {
  const keys = await listSigningKeys(services, organization)
  const active = keys.find(({ state }) => state === 'active')
  const prepared = keys.find(({ state }) => state === 'prepared')
  const published = keys.find(({ state }) => state === 'published')
  const now = services.clock.nowMs()
  if (active === undefined) return
  if (prepared !== undefined) {
    await publish(services, organization, prepared)
  } else if (published !== undefined) {
    if (now >= (published.publishedAtMs ?? now) + shownEverywhereMs(services)) {
      await activate(services, organization, { active, next: published })
    }
  } else if (now >= (active.activatedAtMs ?? now) + rotationMs(services) - shownEverywhereMs(services)) {
    await prepare(services, organization, active)
  }
}

/**
 * Prepares and publishes the next signing key now, and answers its kid. It becomes active by itself when caches of the key
 * set have run out. Refuses `conflict` when a next key is on its way already.
 */
export async function newSigningKey(services: Services, organization: Rotated, by: string): Promise<string> {
  const keys = await listSigningKeys(services, organization)
  const active = keys.find(({ state }) => state === 'active')
  const kid = active && (await prepare(services, organization, active, by))
  if (kid === undefined) refuse('conflict', { detail: 'A next signing key is already on its way.' })
  await publish(services, organization, { kid }, by)
  return kid
}

async function prepare(
  services: Services,
  organization: Rotated,
  active: SigningKeyRecord,
  by?: string,
): Promise<string | undefined> {
  const row = await sealedKeyRow(services, organization)
  const steps: Step[] = [
    // Touching the active row first makes nodes queue for it; whoever comes second then finds the first one's key.
    lockOn(active),
    { do: 'absent', table: 'signing_keys', where: { state: 'prepared' }, otherwise: 'conflict' },
    { do: 'absent', table: 'signing_keys', where: { state: 'published' }, otherwise: 'conflict' },
    { do: 'insert', table: 'signing_keys', row, otherwise: 'conflict' },
  ]
  return (await change(services, organization, steps, { subject: row.id, action: 'prepare', by })) ? row.id : undefined
}

async function publish(
  services: Services,
  organization: Rotated,
  { kid }: { kid: string },
  by?: string,
): Promise<Taken> {
  const set = { state: 'published' as const, published_at_ms: services.clock.nowMs() }
  const steps: Step[] = [
    { do: 'update', table: 'signing_keys', where: { id: kid, state: 'prepared' }, set, otherwise: 'conflict' },
  ]
  return change(services, organization, steps, { subject: kid, action: 'publish', by })
}

async function activate(
  services: Services,
  organization: Rotated,
  { active, next }: { active: SigningKeyRecord; next: SigningKeyRecord },
): Promise<Taken> {
  const now = services.clock.nowMs()
  const steps: Step[] = [
    {
      do: 'update',
      table: 'signing_keys',
      where: { id: active.kid, state: 'active' },
      set: { state: 'retired', retired_at_ms: now },
      otherwise: 'conflict',
    },
    {
      do: 'update',
      table: 'signing_keys',
      where: { id: next.kid, state: 'published' },
      set: { state: 'active', activated_at_ms: now },
      otherwise: 'conflict',
    },
  ]
  return change(services, organization, steps, { subject: next.kid, action: 'activate' })
}

async function change(
  services: Services,
  organization: Rotated,
  steps: Step[],
  said: { subject: string; action: string; by?: string | undefined },
): Promise<Taken> {
  const { by, ...what } = said
  const audit = await record(services, organization, { type: 'signing_key.changed', ...what, ...(by && { by }) })
  const outcome = await services.store.commit({ organization: organization.id, steps, audit })
  forgetKeyStates(services, organization)
  return outcome.done
}

/** A conditional write that changes nothing. */
function lockOn(active: SigningKeyRecord): Step {
  const where = { id: active.kid, state: 'active' as const }
  return { do: 'update', table: 'signing_keys', where, set: { state: 'active' }, otherwise: 'conflict' }
}

/** After so long, no honest cache of the key set, a node's own included, is without a key that was published. */
function shownEverywhereMs({ config }: Services): number {
  return config.signingKeyLeadSeconds * 1000 + 2 * stateCacheMs
}

function rotationMs({ config }: Services): number {
  return config.signingKeyLifetimeSeconds * 1000
}
