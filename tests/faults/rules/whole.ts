import type { Fact, LeafType } from '@credence/protocol'
import { type Case, describe, isEffect, type Violation } from '../check.ts'
import type { PlacedLeaf } from '../observe.ts'

/** Kinds of records that only requests in the ledger lead to. */
const asked: ReadonlySet<LeafType> = new Set([
  'token.issued',
  'token.exchanged',
  'revocation.made',
  'standing.restored',
])

/** I6: an effect and its record are both there or both absent; what was refused had none. */
export function whole(one: Case): Violation[] {
  const found = [...unasked(one), ...registrations(one), ...ends(one)]
  return found.map((says) => ({ rule: 'I6', says }))
}

function unasked({ told, now, byTrace, judged }: Case): string[] {
  const found: string[] = []
  const traces = new Set(told.map(({ wish }) => wish.trace))
  const operators = new Set(judged.map(({ operator }) => operator))
  for (const { position, leaf } of now.log.records) {
    const own = leaf.type === 'token.issued' && operators.has(leaf.agent ?? '')
    if (asked.has(leaf.type) && !own && !traces.has(leaf.trace_id ?? ''))
      found.push(`place ${position}: ${leaf.type}, which nobody asked for`)
  }
  for (const refused of told) {
    if (refused.outcome !== 'refused') continue
    const effect = byTrace.get(refused.wish.trace)?.find(isEffect)
    if (effect) found.push(`${describe(refused)}: refused, and recorded as ${effect.leaf.type}`)
  }
  return found
}

function registrations({ now }: Case): string[] {
  const found: string[] = []
  const { records } = now.log
  const subjects = (type: LeafType) =>
    new Set(records.filter(({ leaf }) => leaf.type === type).map(({ leaf }) => leaf.subject ?? ''))
  const agents = subjects('agent.registered')
  for (const id of now.agents.keys()) if (!agents.has(id)) found.push(`agent ${id} is there without a record`)
  for (const id of agents) if (!now.agents.has(id)) found.push(`agent ${id} is recorded and not there`)

  // A statement is registered by itself, or with the first token that rests on it.
  const named = new Set(records.filter(isEffect).flatMap(({ leaf }) => leaf.chain ?? []))
  const hashes = new Set([...now.delegations.values()].map(({ hash }) => hash))
  for (const [id, { hash }] of now.delegations) {
    if (!named.has(hash)) found.push(`delegation ${id} is there without a record`)
  }
  for (const hash of named) if (!hashes.has(hash)) found.push(`statement ${hash} is recorded and not there`)
  for (const id of subjects('delegation.registered')) {
    if (!now.delegations.has(id)) found.push(`delegation ${id} is recorded and not there`)
  }
  return found
}

/** As often as a thing was ended there is a fact, and as often as it came back a record; between them they say what it is now. */
function ends({ told, now, byTrace }: Case): string[] {
  const found: string[] = []
  const bySubject = (type: LeafType) =>
    Map.groupBy(
      now.log.records.filter(({ leaf }) => leaf.type === type),
      ({ leaf }) => leaf.subject ?? '',
    )
  const revoked = bySubject('revocation.made')
  const restored = bySubject('standing.restored')
  const facts = Map.groupBy(now.feed.facts, ({ id }) => id)
  for (const [id, records] of revoked)
    found.push(...timesEnded(id, { told, byTrace, records, facts: facts.get(id) ?? [] }))
  for (const id of facts.keys()) if (!revoked.has(id)) found.push(`${id} is ended in the feed, without a record`)

  for (const [id, { status }] of now.agents) {
    const down = (facts.get(id)?.length ?? 0) - (restored.get(id)?.length ?? 0)
    if (down !== (status === 'suspended' ? 1 : 0)) {
      found.push(`agent ${id} is ${status}, and was ended ${down} times more than it came back`)
    }
  }
  return found
}

function timesEnded(
  id: string,
  { told, byTrace, records, facts }: Pick<Case, 'told' | 'byTrace'> & { records: PlacedLeaf[]; facts: Fact[] },
): string[] {
  if (facts.length === 0) return [`${id} is recorded as ended, and not ended in the feed`]
  const about = told.filter(({ wish }) => wish.id === id && (wish.do === 'suspend' || wish.do === 'revoke'))
  const fresh = about.filter(({ outcome, result }) => outcome === 'done' && !result.alreadyEnded).length
  const perhaps = about.filter(({ wish, outcome }) => outcome === 'unknown' && byTrace.has(wish.trace)).length
  const own = told.some(({ wish }) => wish.id === id && wish.do === 'revoke own token') ? 1 : 0
  const { length } = facts
  if (length > records.length) return [`${id} has ${length} facts and ${records.length} records`]
  if (length < fresh || length > fresh + perhaps + own) {
    return [`${id} has ${length} facts; ${fresh} were acknowledged as new, and ${perhaps} more are recorded`]
  }
  return []
}
