import { Frontier, type JsonValue } from '@credence/protocol'
import type { Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'

type Needed = Pick<Services, 'store' | 'clock'>

/** Records that get their places in one commit. */
const atOnce = 500

/**
 * Gives an organization's records, durable since their own commands, their places in its log, and keeps the new root.
 *
 * Several processes may do this at the same time: records and head change together, on condition that the head still is what
 * was read, so that one of them wins and the others look again. There is no other recovery: after a crash the records without a
 * place are found here like any others.
 */
export async function sequence(services: Needed, organization: string): Promise<void> {
  // Oldest first: once a turn finds few, all that was durable before the call has its place.
  while ((await placeSome(services, organization)) === 'there may be more') {}
}

async function placeSome({ store, clock }: Needed, organization: string): Promise<'all placed' | 'there may be more'> {
  const reads = store.of(organization)
  // The head before the records: whatever another process places in between makes the update of the head fail.
  const head = await reads.get('log_heads', {})
  const unplaced = await reads.unplaced(atOnce)
  if (unplaced.length === 0) return 'all placed'

  const frontier = head ? Frontier.fromJSON(JSON.parse(head.frontier) as JsonValue) : new Frontier()
  const records = unplaced.map(({ id }, index) => ({ id, position: frontier.size + index }))
  for (const { leaf_hash } of unplaced) await frontier.append(leaf_hash)
  const row: RowOf<'log_heads'> = {
    size: frontier.size,
    root: await frontier.root(),
    frontier: JSON.stringify(frontier),
    at_ms: clock.nowMs(),
  }
  const moveHead: Step = head
    ? { do: 'update', table: 'log_heads', where: { size: head.size }, set: row, otherwise: 'conflict' }
    : { do: 'insert', table: 'log_heads', row, otherwise: 'conflict' }
  const outcome = await store.commit({
    organization,
    steps: [moveHead, { do: 'place', records, otherwise: 'conflict' }],
    audit: null,
  })
  // Refused: another process was faster, perhaps with other records.
  return outcome.done && unplaced.length < atOnce ? 'all placed' : 'there may be more'
}

/** Every organization that has records without a place. One that fails does not stop the others; the first error is thrown at the end. */
export async function sequenceAll(services: Needed): Promise<void> {
  const outcomes: PromiseSettledResult<void>[] = []
  for (const organization of await services.store.global.organizationsWithUnplaced()) {
    outcomes.push(...(await Promise.allSettled([sequence(services, organization)])))
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}
