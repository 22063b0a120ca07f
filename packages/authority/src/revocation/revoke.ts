import { type LeafContent, record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import type { Step, StoredFact } from '../store/port.ts'
import { endStep, lastTokenExpiresMs } from './end.ts'
import { Reach } from './reach.ts'

type Needed = Pick<Services, 'store' | 'clock' | 'feed'>

export type Revocation = {
  /** What ends: an id with its prefix, or `task:<task>`. */
  id: string
  /** A word, for people and programs: `compromised`. */
  cause: string
  /** Free text, of which the log holds only a commitment. */
  note?: string | undefined
  /** Who ends it, as the audit record names it. */
  by: string
  /** For good, although its kind may usually come back. */
  final?: boolean
  /** Of a token, when it is known. */
  expiresAtMs?: number
  /** Conditions and rows that go with it (an agent's status), before the ending itself. */
  steps?: readonly Step[]
  /** Runs once it is durable, before anybody is told: for what this process remembers of it. */
  committed?(): void
  /** More of the audit record: agent, task, trace; its type, where the log has a word of its own for this. */
  audit?: Partial<LeafContent>
}

/** The three moments after which what was ended can no longer be used anywhere. Unix milliseconds. */
export type Revoked = {
  fact: StoredFact
  /** False when it had already ended: `fact` is the one in force. */
  fresh: boolean
  committedAtMs: number
  /** Enforcement points that have acknowledged, of those that may hold a lease; `byMs`: when the last of all did. */
  acknowledged: { points: number; of: number; byMs: number | null; all: boolean }
  /** No enforcement point, connected or cut off, goes by older knowledge after this. */
  leasesOverByMs: number
  lastTokenExpiredByMs: number
}

/**
 * Ends something. When this returns, that is durable, and nothing is minted from it any more: every issuing command requires
 * its lineage to be alive. What rests on it ends with it. Who has acknowledged is what is known at once; `awaitReach` waits.
 */
export async function revoke(services: Needed, organization: Organization, revocation: Revocation): Promise<Revoked> {
  const { id, cause, by, note, steps = [], audit } = revocation
  const reach = new Reach(services, organization)
  try {
    const leaf = { type: 'revocation.made', ...audit, by, subject: id, cause, outcome: 'done' } as const
    const end = endStep({ id, cause, atMs: services.clock.nowMs(), ...(revocation.final && { final: true }) })
    const { facts } = await commit(services, {
      organization: organization.id,
      steps: [...steps, end],
      audit: await record(services, organization, leaf, note === undefined ? {} : { note }),
    })
    revocation.committed?.()
    const ended = facts.at(-1)
    if (!ended) throw new Error('the store ended something and said nothing of it')
    const { fresh, ...fact } = ended
    const committedAtMs = fresh ? services.clock.nowMs() : fact.at_ms
    // Those who listen here first; then it may be counted who has heard.
    await services.feed.tell(organization.id)
    const { leasesOverByMs, ...acknowledged } = await reach.of({ seq: fact.seq, committedAtMs, waitMs: 0 })
    const lastTokenExpiredByMs = revocation.expiresAtMs ?? lastTokenExpiresMs(committedAtMs)
    return { fact, fresh, committedAtMs, acknowledged, leasesOverByMs, lastTokenExpiredByMs }
  } finally {
    reach.close()
  }
}

const longestWaitMs = 10_000
/** Those who wait hold a connection each, and ask the store again and again. */
const mostWaitOfOrganization = 32
const mostWaitOfCaller = 8

/**
 * Waits until every enforcement point has acknowledged, at most 10 s. What had ended before is not waited for, and above a number
 * of waiters of one caller or organization nobody is: the answer is then what is known already.
 */
export async function awaitReach(
  services: Needed,
  organization: Organization,
  revoked: Revoked,
  { waitMs, by }: { waitMs: number; by: string },
): Promise<Revoked> {
  if (waitMs <= 0 || !revoked.fresh || revoked.acknowledged.all) return revoked
  const leave = services.feed.waiters.take([
    [organization.id, mostWaitOfOrganization],
    [`${organization.id} ${by}`, mostWaitOfCaller],
  ])
  if (!leave) return revoked
  const reach = new Reach(services, organization)
  try {
    // What arrived before this one listened is read from the store.
    await services.feed.acknowledgements.flush()
    const { leasesOverByMs, ...acknowledged } = await reach.of({
      seq: revoked.fact.seq,
      committedAtMs: revoked.committedAtMs,
      waitMs: Math.min(waitMs, longestWaitMs),
    })
    return { ...revoked, acknowledged, leasesOverByMs: Math.max(leasesOverByMs, revoked.leasesOverByMs) }
  } finally {
    reach.close()
    leave()
  }
}

/**
 * Brings back what was ended without being final. Its epoch stays raised: tokens from before stay dead.
 *
 * @throws Refusal `conflict` when it never ended, has come back already, or ended for good.
 */
export async function restore(
  services: Pick<Services, 'store' | 'clock'>,
  organization: Organization,
  { id, by, steps = [], audit }: Pick<Revocation, 'id' | 'by' | 'steps' | 'audit'>,
): Promise<void> {
  await commit(services, {
    organization: organization.id,
    steps: [{ do: 'restore', id, atMs: services.clock.nowMs(), otherwise: 'conflict' }, ...steps],
    audit: await record(services, organization, {
      ...audit,
      type: 'standing.restored',
      by,
      subject: id,
      outcome: 'done',
    }),
  })
}
