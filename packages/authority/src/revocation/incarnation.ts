import { commit, type Organization, type Services } from '../services.ts'

/**
 * Raises the feed's incarnation, durably: every enforcement point then forgets its cursor, not what it knows, and reads the
 * feed again from the start. For a store that was restored from a backup. It never falls.
 *
 * @returns the new incarnation.
 * @throws Refusal `conflict` when another process raised it at the same time.
 */
export async function raiseIncarnation(
  services: Pick<Services, 'store'>,
  organization: Pick<Organization, 'id'>,
): Promise<number> {
  const { incarnation } = await services.store.of(organization.id).head()
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'raise_incarnation', from: incarnation, otherwise: 'conflict' }],
    audit: null,
  })
  return incarnation + 1
}
