import { type Case, describe, type Violation } from '../check.ts'
import type { IssuedToken } from '../ledger.ts'
import type { Observation } from '../observe.ts'
import { type Ended, endedBy, settledAgents, type Told } from '../told.ts'

/** Seconds before its expiry from which on a token may be called dead for its age. */
const margin = 10

/** I1: every acknowledged end is in force, at every door, and so is everything else that was acknowledged. */
export function endings({ told, now, map }: Case): Violation[] {
  const found: string[] = []
  const ended = endedBy(told)
  const tokens = told.flatMap(({ result }) => result.token ?? [])
  for (const one of ended) found.push(...inFeed(one, now.feed), ...atDoors(one, now, tokens))

  for (const one of told) if (one.result.token) found.push(...issuedAfter(one, ended, told))

  for (const [id, status] of settledAgents(told)) {
    const agent = now.agents.get(id)
    if (agent?.status !== status) found.push(`agent ${id} is ${agent?.status}, and ${status} was acknowledged`)
    if (!now.granted.has(id)) found.push(`agent ${id} is ${status}, and nobody tried whether it gets a token`)
    else if (now.granted.get(id) !== (status === 'active')) {
      found.push(`agent ${id} is ${status}, and gets ${status === 'active' ? 'no' : 'a'} token`)
    }
  }

  for (const { jti, exp, lineage, kid } of tokens) {
    const active = now.active.get(jti)
    if (active === undefined) continue
    const deadBy = map.deadBy(lineage, [jti, kid])
    if (active && deadBy) found.push(`token ${jti} is active, and dead by ${deadBy}`)
    if (!active && !deadBy && exp * 1000 > now.atMs + margin * 1000)
      found.push(`token ${jti} was issued and is not active`)
  }
  for (const { wish, outcome, result } of told) {
    if (outcome !== 'done') continue
    if (wish.do === 'register agent' && now.agents.get(result.id ?? '')?.handle !== result.handle) {
      found.push(`agent ${result.id} was registered and is not there`)
    }
    const delegation = wish.delegation ?? (wish.do === 'register delegation' ? result.id : undefined)
    if (delegation !== undefined && !now.delegations.has(delegation)) {
      found.push(`delegation ${delegation} was registered and is not there`)
    }
  }
  return found.map((says) => ({ rule: 'I1', says }))
}

/** From the acknowledgement on nothing new is given out, by any process, in the middle of the load as well. */
function issuedAfter(token: Told, ended: readonly Ended[], told: readonly Told[]): string[] {
  const { wish, asked } = token
  return ended
    .filter((end) => (end.wish.id === wish.id || end.wish.id === wish.delegation) && end.ended < asked)
    .filter((end) => !told.some((back) => mayHaveComeBack(back, end, token)))
    .map((end) => `${describe(token)}: a token was given after ${describe(end)}`)
}

function mayHaveComeBack({ wish, outcome, asked, ended }: Told, end: Ended, token: Told): boolean {
  if (wish.do !== 'resume' || wish.id !== end.wish.id || outcome === 'refused') return false
  return ended > end.asked && asked < token.ended
}

function inFeed(one: Ended, { head, facts }: Observation['feed']): string[] {
  const { wish, result } = one
  // RFC 7009 says nothing but 200, also when the token was dead already: what the doors say, counts.
  if (wish.do === 'revoke own token') return []
  const { fact } = result
  if (!fact) return [`${describe(one)}: acknowledged without a fact`]
  const found: string[] = []
  const kept = facts.find(({ seq }) => seq === fact.seq)
  if (kept?.id !== fact.id || kept.epoch !== fact.epoch) found.push(`${describe(one)}: fact ${fact.seq} is gone`)
  if (head < fact.seq)
    found.push(`${describe(one)}: the head of the feed is ${head}, below the acknowledged ${fact.seq}`)
  return found
}

function atDoors({ wish: { id }, result }: Ended, now: Observation, tokens: readonly IssuedToken[]): string[] {
  if (id.startsWith('dlg_')) {
    const found: string[] = []
    if (now.delegations.get(id)?.alive !== false) found.push(`delegation ${id} was revoked and is listed alive`)
    if (!now.granted.has(id))
      found.push(`delegation ${id} was revoked, and nobody tried whether it still gives a token`)
    else if (now.granted.get(id)) found.push(`delegation ${id} was revoked and still gives a token`)
    return [...found, ...restingOn(id, result.fact?.epoch, now, tokens)]
  }
  if (id.startsWith('tok_')) {
    if (!now.active.has(id)) return [`token ${id} was revoked, and nobody asked whether it is active`]
    return now.active.get(id) ? [`token ${id} was revoked and is active`] : []
  }
  return restingOn(id, result.fact?.epoch, now, tokens)
}

/** Tokens that carry an epoch of `id` lower than the one acknowledged. */
function restingOn(id: string, epoch = 0, { active }: Observation, tokens: readonly IssuedToken[]): string[] {
  return tokens
    .filter(({ jti, lineage }) => active.get(jti) && lineage.some(([rests, at]) => rests === id && at < epoch))
    .map(({ jti }) => `token ${jti} is active, and rests on ${id}, which was ended with epoch ${epoch}`)
}
