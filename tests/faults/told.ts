// A ledger, read: each request with what its caller knows of it.

import type { Deed, Entry, Result, Wish } from './ledger.ts'

/** One request. `asked` and `ended` are places in the ledger. */
export type Told = {
  wish: Wish
  asked: number
  /** Of an unknown outcome: when at the latest it had its effect, if it had one. */
  ended: number
  askedAtMs: number
  /** When its answer had come, by the machine's monotonic clock. */
  answeredMachineMs?: number
  status?: number
  code?: string
  /** Of a request without an answer. */
  why?: string
  /**
   * `done`: acknowledged. `refused`: it had no effect, said the authority. `unknown`: no answer, or one that says that the
   * authority failed; the effect is there whole or not at all.
   */
  outcome: 'done' | 'refused' | 'unknown'
  result: Result
}

export type Ended = Told & { wish: { id: string } }

export function tell(entries: readonly Entry[]): Told[] {
  const told = new Map<number, Told>()
  const unknown = new Set<Told>()
  for (const [place, entry] of entries.entries()) {
    if (entry.says === 'observed') {
      for (const one of unknown) one.ended = place
      unknown.clear()
      continue
    }
    if (entry.says === 'asked') {
      const { wish, atMs } = entry
      const one: Told = {
        wish,
        asked: place,
        ended: Number.POSITIVE_INFINITY,
        askedAtMs: atMs,
        outcome: 'unknown',
        result: {},
      }
      told.set(entry.n, one)
      unknown.add(one)
      continue
    }
    if (entry.says === 'judged') continue
    const one = told.get(entry.n)
    if (!one) throw new Error(`the ledger tells of the end of request ${entry.n} and not of its beginning`)
    if (entry.says === 'unanswered') {
      one.why = entry.why
      continue
    }
    one.status = entry.status
    one.result = entry.result
    if (entry.machineMs !== undefined) one.answeredMachineMs = entry.machineMs
    if (entry.code !== undefined) one.code = entry.code
    if (entry.status >= 500) continue
    one.outcome = entry.status < 300 ? 'done' : 'refused'
    one.ended = place
    unknown.delete(one)
  }
  return [...told.values()]
}

const endings: ReadonlySet<Deed> = new Set(['revoke', 'revoke own token', 'suspend'])

/** The acknowledged endings. */
export function endedBy(told: readonly Told[]): Ended[] {
  return told.filter(
    (one): one is Ended => one.outcome === 'done' && endings.has(one.wish.do) && one.wish.id !== undefined,
  )
}

/**
 * Agents whose last change is acknowledged and met no other: with it, `suspended` or `active` is not a matter of chance.
 */
export function settledAgents(told: readonly Told[]): Map<string, 'suspended' | 'active'> {
  const settled = new Map<string, 'suspended' | 'active'>()
  const changes = told.filter(
    ({ wish, outcome }) => (wish.do === 'suspend' || wish.do === 'resume') && outcome !== 'refused',
  )
  for (const [id, all] of Map.groupBy(changes, ({ wish }) => wish.id ?? '')) {
    const last = all.find(
      (one) => one.outcome === 'done' && all.every((other) => other === one || other.ended < one.asked),
    )
    if (last) settled.set(id, last.wish.do === 'suspend' ? 'suspended' : 'active')
  }
  return settled
}
