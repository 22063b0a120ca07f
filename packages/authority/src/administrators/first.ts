import { record } from '../audit/index.ts'
import { installation, type Services } from '../services.ts'
import { administratorSteps } from './add.ts'
import { findAdministratorBySecret } from './administrator.ts'

/** Where a secret made at first start goes. */
export type SecretPlace = {
  /** Before it is valid: whatever can be lost must already be in its place. */
  prepare(secret: string): void
  /** What was prepared, and neither kept nor discarded: whoever prepared it ended in between. */
  waiting?(): string | undefined
  /** It is valid now. */
  keep(secret: string): void
  /** Somebody else was first. */
  discard(): void
}

/** The same in every installation, so that the store lets only one of several first starts through. */
const firstId = 'adm_AAAAAAAAAAAAAAAAAAAAAA'

/**
 * Makes the first administrator of the installation, unless there ever was one. Of several that start at once, one makes it.
 *
 * @returns whether this start made it.
 */
export async function ensureFirstAdministrator(services: Services, place: SecretPlace): Promise<boolean> {
  if (await services.store.of(installation).get('administrators', { id: firstId })) {
    await keepWaiting(services, installation, place)
    return false
  }
  const { steps, secret } = administratorSteps(services, { id: firstId, name: 'first' })
  place.prepare(secret)
  const outcome = await services.store.commit({
    organization: installation,
    steps,
    audit: await record(
      services,
      { id: installation },
      { type: 'administrator.added', subject: firstId, outcome: 'done' },
    ),
  })
  if (outcome.done) place.keep(secret)
  else place.discard()
  return outcome.done
}

/** Keeps a secret that became valid, and whose place a crash kept it from. One that is not valid here may be of another store. */
export async function keepWaiting(services: Services, organization: string, place: SecretPlace): Promise<void> {
  const secret = place.waiting?.()
  if (secret !== undefined && (await findAdministratorBySecret(services, organization, secret))) place.keep(secret)
}
