import type { Batch } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'

/** Facts in one batch: about 100 kB signed. */
export const maxFacts = 512

/** Aligned ranges of this width never change once they are full, and may be cached for ever. */
export const alignedWidth = 256

type Reading = Pick<Services, 'store' | 'clock'>

/**
 * The facts after a cursor, as one unsigned batch. `at_ms` is taken before the head is read, so that the batch never claims to
 * be fresher than it is.
 *
 * @param limit most facts in it; the batch ends where they end, and its `to` is the next cursor.
 */
export async function readBatch(
  { store, clock }: Reading,
  organization: Organization,
  { after, limit }: { after: number; limit: number },
): Promise<Batch> {
  const atMs = clock.nowMs()
  const reads = store.of(organization.id)
  const head = await reads.head()
  const common = { iss: organization.issuer, org: organization.id, incarnation: head.incarnation, at_ms: atMs }
  // A cursor beyond the head is another incarnation's, or a rollback's: the caller sees that from what it is told.
  if (after >= head.seq) return { ...common, after: head.seq, to: head.seq, head: head.seq, facts: [] }
  const facts = await reads.facts(after, limit)
  // Facts show in commit order, without gaps: who sees the last has seen all before it, those since the head was read too.
  const last = facts.at(-1)?.seq ?? after
  const seen = Math.max(head.seq, last)
  return { ...common, after, to: facts.length < limit ? seen : last, head: seen, facts }
}

/** The aligned range after `after`, or undefined while it is not full. */
export async function readAlignedBatch(
  parts: Reading,
  organization: Organization,
  after: number,
): Promise<Batch | undefined> {
  const to = after + alignedWidth
  const batch = await readBatch(parts, organization, { after, limit: alignedWidth })
  if (batch.head < to) return undefined
  // Swept facts leave room for some from beyond the range.
  return { ...batch, to, facts: batch.facts.filter(({ seq }) => seq <= to) }
}
