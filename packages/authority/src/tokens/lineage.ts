import { type Lineage, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

/** One lineage of several: each id once, with the lowest epoch it was given, so that joining never brings anything back. */
export function joinLineages(...lineages: readonly Lineage[]): Lineage {
  const lowest = new Map<string, number>()
  for (const [id, epoch] of lineages.flat()) lowest.set(id, Math.min(epoch, lowest.get(id) ?? epoch))
  return [...lowest]
}

/**
 * The lineage of things that are drawn on now: their ids with the epochs they stand at. Refuses `revoked` when one does not
 * stand. The command that relies on it must carry it as `alive` too: something may end in between.
 *
 * `saidAt` (Unix seconds): when a statement that draws on them says that it was made. Refuses `revoked` when one of them
 * was stopped since, though it stands again: what ends with a suspension does not come back by not having been shown.
 */
export async function stampLineage(
  services: Services,
  organization: Organization,
  ids: readonly string[],
  saidAt = Number.POSITIVE_INFINITY,
): Promise<Lineage> {
  const rows = await services.store.of(organization.id).standing([...new Set(ids)])
  const standing = new Map(rows.map((row) => [row.id, row]))
  return [...new Set(ids)].map((id) => {
    const row = standing.get(id)
    if (row?.alive === 0) refuse('revoked')
    if (row !== undefined && saidAt * 1000 < row.since_ms) {
      refuse('revoked', {
        detail: 'It was made before something it rests on was stopped: its delegator signs it again.',
      })
    }
    return [id, row?.epoch ?? 0]
  })
}

/** Whether each id is alive and its epoch not above the one given. */
export async function lineageStands(
  services: Services,
  organization: Organization,
  lineage: Lineage,
): Promise<boolean> {
  const epochs = new Map(joinLineages(lineage))
  const rows = await services.store.of(organization.id).standing([...epochs.keys()])
  return rows.every(({ id, alive, epoch }) => alive === 1 && epoch <= (epochs.get(id) ?? 0))
}
