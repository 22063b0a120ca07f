import { refuse } from '@credence/protocol'
import type { Services } from '../services.ts'
import type { OrganizationReads, Step } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'

/**
 * What the authority remembers of the enforcement points that hold a lease on the feed.
 *
 * A lease is on record before the first batch that grants it is sent. While its stream is open the row is renewed at least
 * every `renewalMs`, so that the lease may run until `seen_at_ms + renewalMs + staleness_ms`. When the stream ends, the row
 * is dated back by `renewalMs`: the lease then runs out one staleness later.
 */
export const renewalMs = 30_000

/** How far the clocks of two processes of one authority may lie apart. */
const clockToleranceMs = 2_000

const pageSize = 1_000

/** How long a count of leases is gone by. */
const countedForMs = 1_000

export type Lease = {
  resource: string
  point: string
  stalenessMs: number
  /** What this process last wrote into the row: it ends only its own, not that of a newer stream of the same point. */
  seenAtMs: number
}

/**
 * The name of an enforcement point in the store, unique in the organization. The agent is part of it, so that nobody
 * acknowledges for another's.
 */
export function pointName(resource: string, agent: string, point: string): string {
  return `${agent}/${resource}/${point}`
}

/** Puts the lease of a stream on record, as of `seenAtMs`. `seq`: how far its holder says it has come. */
export function rememberLease(lease: Lease, seq: number): Step[] {
  return [{ do: 'put', table: 'leases', row: rowOf(lease, seq, lease.seenAtMs) }]
}

/** Puts the lease of a single page on record: it runs out by itself. That of a stream of the same point is never shortened. */
export function rememberPage(lease: Lease, seq: number): Step[] {
  const row = rowOf(lease, seq, lease.seenAtMs - renewalMs)
  const { resource, point, seen_at_ms, staleness_ms } = row
  const raise = (column: 'seen_at_ms' | 'staleness_ms', value: number): Step => ({
    do: 'touch',
    table: 'leases',
    where: { resource, point },
    set: { [column]: value },
    olderThan: { column, value },
  })
  return [
    { do: 'insert_if_absent', table: 'leases', row },
    raise('staleness_ms', staleness_ms),
    raise('seen_at_ms', seen_at_ms),
  ]
}

function rowOf(lease: Lease, seq: number, seenAtMs: number): RowOf<'leases'> {
  return {
    resource: lease.resource,
    point: lease.point,
    staleness_ms: lease.stalenessMs,
    seen_at_ms: seenAtMs,
    acknowledged_seq: seq,
    acknowledged_at_ms: lease.seenAtMs,
  }
}

export function renewLease({ resource, point }: Lease, nowMs: number): Step {
  const olderThan = { column: 'seen_at_ms' as const, value: nowMs }
  return { do: 'touch', table: 'leases', where: { resource, point }, set: { seen_at_ms: nowMs }, olderThan }
}

/** Its stream has ended: from now on it runs out. */
export function endLease({ resource, point, seenAtMs }: Lease, nowMs: number): Step {
  const where = { resource, point, seen_at_ms: seenAtMs }
  return { do: 'touch', table: 'leases', where, set: { seen_at_ms: nowMs - renewalMs } }
}

/**
 * How many more points a resource has room for, as this process last counted: counting thousands of leases at each of thousands of
 * openings would take longer than all else. By organization and resource.
 */
export class Room {
  readonly #counted = new Map<string, { left: number; atMs: number }>()

  /**
   * Lets a point have a lease that holds one already, and a new one while its agent has fewer than `most` alive at this resource: each
   * is waited for and counted at every revocation. Those that open at the same time, or at other processes, do not see each other, so
   * that a few more may come through.
   *
   * @param atMs when a lease must still be alive to count
   * @throws Refusal `quota_exceeded`
   */
  async require(
    store: Services['store'],
    organization: string,
    { resource, point }: Lease,
    { most, atMs }: { most: number; atMs: number },
  ): Promise<void> {
    const reads = store.of(organization)
    const known = await reads.get('leases', { resource, point })
    if (known && isAliveAt(known, atMs)) return
    const name = `${organization} ${resource}`
    const counted = this.#counted.get(name)
    if (counted && counted.left > 0 && Math.abs(atMs - counted.atMs) < countedForMs) {
      counted.left -= 1
      return
    }
    const room = most - (await reads.count('leases', { resource }))
    // Half of it, so that two processes do not both give all of it away.
    if (room > 0) this.#counted.set(name, { left: Math.floor((room - 1) / 2), atMs })
    else await this.#make(store, organization, { resource, point, most, atMs })
  }

  /** Forgets the leases that have run out, so that they are not looked through again. */
  async #make(
    store: Services['store'],
    organization: string,
    { resource, point, most, atMs }: { resource: string; point: string; most: number; atMs: number },
  ): Promise<void> {
    const agent = point.slice(0, point.indexOf('/') + 1)
    const over: Step[] = []
    let alive = 0
    for await (const rows of leasesOf(store.of(organization), { resource })) {
      for (const row of rows) {
        if (!isAliveAt(row, atMs)) over.push({ do: 'delete', table: 'leases', where: placeOf(row) })
        else if (row.point.startsWith(agent)) alive += 1
      }
    }
    if (alive >= most)
      refuse('quota_exceeded', { detail: `At most ${most} enforcement points of a resource hold a lease.` })
    await commitSteps(store, organization, over)
  }
}

function placeOf({ resource, point, seen_at_ms }: RowOf<'leases'>): Partial<RowOf<'leases'>> {
  return { resource, point, seen_at_ms }
}

/** Leases that were granted and may still be held at `atMs`: those whose holders may not yet know of a fact committed then. */
export async function leasesAliveAt(
  reads: OrganizationReads,
  atMs: number,
  where: Partial<RowOf<'leases'>> = {},
): Promise<Array<RowOf<'leases'>>> {
  const alive: Array<RowOf<'leases'>> = []
  for await (const rows of leasesOf(reads, where)) alive.push(...rows.filter((row) => isAliveAt(row, atMs)))
  return alive
}

function isAliveAt({ seen_at_ms, staleness_ms }: RowOf<'leases'>, atMs: number): boolean {
  return seen_at_ms + renewalMs + staleness_ms + clockToleranceMs >= atMs
}

/** Page by page, and others have their turn in between: there may be ten thousand. */
async function* leasesOf(
  reads: OrganizationReads,
  where: Partial<RowOf<'leases'>>,
): AsyncGenerator<Array<RowOf<'leases'>>, void> {
  let after: string | undefined
  for (;;) {
    const page = await reads.list('leases', {
      where,
      order: { by: 'point' },
      limit: pageSize,
      ...(after !== undefined && { after }),
    })
    yield page
    after = page.at(-1)?.point
    if (after === undefined || page.length < pageSize) return
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Writes bookkeeping steps in commits small enough for others to come in between. */
export async function commitSteps(
  store: Services['store'],
  organization: string,
  steps: readonly Step[],
  atOnce = 500,
): Promise<void> {
  for (let from = 0; from < steps.length; from += atOnce) {
    const outcome = await store.commit({ organization, steps: steps.slice(from, from + atOnce), audit: null })
    if (!outcome.done) throw new Error(`the store refused steps without conditions: ${outcome.refused}`)
  }
}
