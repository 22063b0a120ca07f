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
  /** How long to wait for enforcement points to acknowledge, at most 10 s. Default: not at all. */
  waitMs?: number | undefined
  /** For good, although its kind may usually come back. */
  final?: boolean
  /** Of a token, when it is known. */
  expiresAtMs?: number
  /** Conditions and rows that go with it (an agent's status), before the ending itself. */
  steps?: readonly Step[]
  /** More of the audit record: agent, task, trace. */
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

const longestWaitMs = 10_000

/**
 * Ends something. When this returns, that is durable, and nothing is minted from it any more: every issuing command requires
 * its lineage to be alive. What rests on it ends with it.
 */
export async function revoke(services: Needed, organization: Organization, revocation: Revocation): Promise<Revoked> {
  const { id, cause, by, note, steps = [], audit } = revocation
  const reach = new Reach(services, organization)
  try {
    const leaf = { ...audit, type: 'revocation.made', by, subject: id, cause, outcome: 'done' } as const
    const end = endStep({ id, cause, atMs: services.clock.nowMs(), ...(revocation.final && { final: true }) })
    const { facts } = await commit(services, {
      organization: organization.id,
      steps: [...steps, end],
      audit: await record(services, organization, leaf, note === undefined ? {} : { note }),
    })
    const ended = facts.at(-1)
    if (!ended) throw new Error('the store ended something and said nothing of it')
    const { fresh, ...fact } = ended
    const committedAtMs = fresh ? services.clock.nowMs() : fact.at_ms
    // Those who listen here first; then it may be counted who has heard.
    await services.feed.tell(organization.id)
    const waitMs = Math.min(revocation.waitMs ?? 0, longestWaitMs)
    const { leasesOverByMs, ...acknowledged } = await reach.of({ seq: fact.seq, committedAtMs, waitMs })
    const lastTokenExpiredByMs = revocation.expiresAtMs ?? lastTokenExpiresMs(committedAtMs)
    return { fact, fresh, committedAtMs, acknowledged, leasesOverByMs, lastTokenExpiredByMs }
  } finally {
    reach.close()
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
    steps: [{ do: 'restore', id, otherwise: 'conflict' }, ...steps],
    audit: await record(services, organization, {
      ...audit,
      type: 'standing.restored',
      by,
      subject: id,
      outcome: 'done',
    }),
  })
}
