import { type Case, describe, type Violation } from '../check.ts'
import type { IssuedToken, Judged } from '../ledger.ts'
import { type Ended, endedBy } from '../told.ts'

/** For what the wall clock, which leases are dated by, and the monotonic one drift apart within a lease. */
const driftMs = 50
/** How far a verifier lets clocks differ, and the second that expiries are rounded to. */
const expiryToleranceMs = 6_000

/**
 * I3: from the answer to a revocation on (P2),
 * - when it said that every enforcement point knows, no verifier accepts what had ended;
 * - no verifier accepts it after its longest staleness, connected or not, unless it may go on with harmless calls;
 * - and nobody accepts anything past its expiry.
 */
export function verifiers({ told, judged }: Case): Violation[] {
  const found: string[] = []
  const ended = endedBy(told).filter(({ answeredMachineMs }) => answeredMachineMs !== undefined)
  const tokens = new Map(told.flatMap(({ result }) => (result.token ? [[result.token.jti, result.token]] : [])))
  const wallAheadMs = wallAhead(told)
  for (const run of judged) {
    if (run.verdict !== 'permitted') continue
    const token = tokens.get(run.jti)
    if (!token) {
      found.push(`${run.verifier} accepted ${run.jti}, which nobody was given`)
      continue
    }
    if (wallAheadMs !== undefined && run.toMs + wallAheadMs > token.exp * 1_000 + expiryToleranceMs) {
      found.push(`${run.verifier} accepted ${run.jti} after its expiry`)
    }
    for (const end of ended) if (rests(token, end)) found.push(...acceptedAfter(run, end))
  }
  return found.map((says) => ({ rule: 'I3', says }))
}

function acceptedAfter(run: Judged, end: Ended): string[] {
  const lateMs = run.toMs - (end.answeredMachineMs ?? 0)
  const says = `${run.verifier} accepted ${run.jti} ${Math.round(lateMs)} ms after ${describe(end)}`
  if (end.result.allKnow && lateMs > 0) return [`${says}, which said that all know`]
  const mayGoOn = run.whenStale === 'harmless_reads' && run.harmless
  return !mayGoOn && lateMs > run.stalenessMs + driftMs ? [`${says}: later than its lease can run`] : []
}

function rests({ jti, lineage }: IssuedToken, { wish, result }: Ended): boolean {
  if (wish.id === jti) return true
  const epoch = result.fact?.epoch ?? 1
  return lineage.some(([id, at]) => id === wish.id && at < epoch)
}

/** By how much the wall clock, of answers, is ahead of the machine's. */
function wallAhead(told: Case['told']): number | undefined {
  const one = told.find(({ answeredMachineMs }) => answeredMachineMs !== undefined)
  return one && one.askedAtMs - (one.answeredMachineMs ?? 0)
}
