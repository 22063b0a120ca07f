import { refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { endStep, issuing } from './end.ts'

/** How far the feed of an organization had come, as it was read or told: never a guess. */
export type Place = { incarnation: number; seq: number }

type Needed = Pick<Services, 'store' | 'clock' | 'log'>

/** Seconds: how long a client assertion works at most. No other thing of single use works longer. */
const longestSingleUse = 300

/** More than a feed is ever behind by. */
const mostIncarnations = 64

/** Whether a store that stands at `head` has lost what it had at `known`: neither number ever falls. */
export function isBehind(head: Place, known: Place): boolean {
  return head.incarnation < known.incarnation || (head.incarnation === known.incarnation && head.seq < known.seq)
}

/**
 * For a store that may have lost commits, of which it answered that they are durable: a failover to a replica that lagged, a restored
 * backup. When it has, in one command: the incarnation rises past the one that lost them, so that no number means two things and every
 * enforcement point reads the feed again, keeping what it knows; and nothing is issued any more, because among what was lost may be ends.
 * Revoking goes on.
 *
 * @param known what was certainly given out
 * @returns whether something is lost.
 */
export async function recoverIfBehind(
  services: Needed,
  organization: Pick<Organization, 'id'>,
  known: Place,
): Promise<boolean> {
  const { store, clock, log } = services
  const head = await store.of(organization.id).head()
  if (!isBehind(head, known)) return false
  const raises = Math.min(mostIncarnations, known.incarnation - head.incarnation + 1)
  const steps: Step[] = Array.from({ length: raises }, (_, n) => {
    return { do: 'raise_incarnation', from: head.incarnation + n, otherwise: 'conflict' }
  })
  const cause = 'store_rolled_back'
  const count = Math.max(0, known.seq - head.seq)
  const leaf = { type: 'revocation.made', subject: issuing, cause, outcome: 'done', count } as const
  const outcome = await store.commit({
    organization: organization.id,
    // Another process that found the same has raised it already.
    steps: [...unchanged(head), ...steps, endStep({ id: issuing, cause, atMs: clock.nowMs() })],
    audit: await record(services, organization, leaf),
  })
  if (outcome.done) {
    const fields = { organization: organization.id, head, known }
    log.error(fields, 'the store has lost commits; nothing is issued until an administrator restores `issuing`')
  }
  return true
}

/** What was read is what the command meets: a read from a server that is on its way out proves nothing. */
function unchanged({ seq, incarnation }: Place): Step[] {
  // At 0 there may be no row.
  return seq === 0 ? [] : [{ do: 'require', table: 'heads', where: { seq, incarnation }, otherwise: 'conflict' }]
}

/**
 * Before issuing is restored: whatever works only once and was used up in what was lost could be used again until it expires.
 *
 * @throws Refusal `conflict` when that has not yet passed.
 */
export async function checkMayIssueAgain(
  { store, clock, config }: Pick<Services, 'store' | 'clock' | 'config'>,
  organization: Organization,
): Promise<void> {
  const [stands] = await store.of(organization.id).standing([issuing])
  if (stands === undefined || stands.alive === 1) return
  const waitMs = (longestSingleUse + config.clockToleranceSeconds) * 1_000
  const leftMs = stands.since_ms + waitMs - clock.settledMs()
  if (leftMs <= 0) return
  refuse('conflict', {
    detail: `What was used up in the lost commits expires in ${Math.ceil(leftMs / 1_000)} s; restore it after that.`,
  })
}

/** Whether issuing has been stopped. */
export async function isIssuing(
  { store }: Pick<Services, 'store'>,
  organization: Pick<Organization, 'id'>,
): Promise<boolean> {
  const [stands] = await store.of(organization.id).standing([issuing])
  return stands?.alive !== 0
}
