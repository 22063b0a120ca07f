import { type Case, describe, isEffect, type Violation } from '../check.ts'
import type { Told } from '../told.ts'

/** Milliseconds for which a thing that was not used would surely be taken: its refusal then says that it was. */
const young = { assertion: 240_000, proof: 45_000 }

/**
 * I2: a client assertion or a proof succeeds once, whatever happened in between, and a request has its effect once. Sending one again
 * also says of a request without an answer whether it was used up; its record says the same, or one of the two was lost (I6).
 */
export function singleUse({ told, byTrace }: Case): Violation[] {
  const found: Violation[] = []
  for (const kind of ['assertion', 'proof'] as const) {
    for (const [used, all] of Map.groupBy(told, ({ wish }) => wish[kind])) {
      if (used === undefined) continue
      const done = all.filter(({ outcome }) => outcome === 'done')
      if (done.length > 1)
        found.push({ rule: 'I2', says: `one ${kind} succeeded twice: ${done.map(describe).join(', ')}` })
      found.push(...usedUp(kind, all, byTrace))
    }
  }
  for (const [trace, records] of byTrace) {
    const effects = records.filter(isEffect)
    if (effects.length > 1 && told.some(({ wish }) => wish.trace === trace)) {
      const types = effects.map(({ leaf }) => leaf.type).join(', ')
      found.push({ rule: 'I2', says: `one request had several effects: trace ${trace}, ${types}` })
    }
  }
  return found
}

function usedUp(kind: 'assertion' | 'proof', all: readonly Told[], byTrace: Case['byTrace']): Violation[] {
  const again = all.find(({ wish }) => wish.again === kind)
  if (!again || again.outcome === 'unknown') return []
  const before = all.filter((one) => one !== again && one.asked < again.asked)
  // A refused request uses up its assertion, with a record; its proof it does not.
  const used = before.some(
    ({ wish, outcome }) =>
      outcome === 'done' || byTrace.get(wish.trace)?.some((record) => kind === 'assertion' || isEffect(record)),
  )
  if (again.outcome === 'done') {
    return used ? [{ rule: 'I2', says: `a used ${kind} was taken again: ${describe(again)}` }] : []
  }
  const firstMs = Math.min(...before.map(({ askedAtMs }) => askedAtMs))
  if (again.askedAtMs - firstMs > young[kind]) return []
  const replayed = again.code === `${kind}_replayed`
  if (used && !replayed)
    return [{ rule: 'I2', says: `a used ${kind} was refused, but not for that: ${describe(again)}` }]
  if (!used) return [{ rule: 'I6', says: `a ${kind} was used up by a request that left no record: ${describe(again)}` }]
  return []
}
