// The checker: what clients were told, held against what the authority says after a fault.

import { RevocationMap } from '@credence/protocol'
import type { Entry, Judged } from './ledger.ts'
import type { Observation, PlacedLeaf } from './observe.ts'
import { answers } from './rules/answers.ts'
import { endings } from './rules/endings.ts'
import { monotone } from './rules/monotone.ts'
import { recorded } from './rules/recorded.ts'
import { rotations } from './rules/rotations.ts'
import { singleUse } from './rules/single_use.ts'
import { verifiers } from './rules/verifiers.ts'
import { whole } from './rules/whole.ts'
import { type Told, tell } from './told.ts'

/**
 * - `answers`: every request has an answer in time, or its connection ends; no failure but the one that says come again (503).
 * - `I1`: what was acknowledged is in force.
 * - `I2`: nothing single-use succeeded twice.
 * - `I3`: no verifier accepted what had ended for longer than it may go without news, or after the authority said that all know.
 * - `I4`: what was acknowledged has its record, and the log verifies.
 * - `I5`: nothing that only rises has fallen, and the log has only grown.
 * - `I6`: what was not acknowledged is wholly there or wholly absent; no effect without its record, no record without its effect.
 */
export type Rule = 'answers' | 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6'

export type Violation = { rule: Rule; says: string }

/** All that the rules look at. */
export type Case = {
  told: readonly Told[]
  now: Observation
  before: Observation | undefined
  /** Of the feed. */
  map: RevocationMap
  byTrace: ReadonlyMap<string, readonly PlacedLeaf[]>
  /** What verifiers answered. */
  judged: readonly Judged[]
}

/** @param before the observation after the fault before this one. */
export async function check(entries: readonly Entry[], now: Observation, before?: Observation): Promise<Violation[]> {
  const map = new RevocationMap()
  map.apply(now.feed.facts)
  const byTrace = Map.groupBy(now.log.records, ({ leaf }) => leaf.trace_id ?? '')
  const judged = entries.filter((entry) => entry.says === 'judged')
  const one: Case = { told: tell(entries), now, before, map, byTrace, judged }
  const rules = [answers, endings, singleUse, verifiers, recorded, rotations, monotone, whole]
  return (await Promise.all(rules.map((rule) => rule(one)))).flat()
}

/** Leaves that say something happened. `token.refused` says that nothing did. */
export function isEffect({ leaf }: PlacedLeaf): boolean {
  return leaf.type !== 'token.refused' && leaf.type !== 'refusals.counted'
}

export function describe({ wish, outcome, status, code }: Told): string {
  return `${wish.do} ${wish.id ?? wish.delegation ?? ''} (trace ${wish.trace}, ${outcome} ${status ?? ''} ${code ?? ''})`
}
