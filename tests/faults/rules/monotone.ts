import type { Case, Violation } from '../check.ts'
import type { Observation } from '../observe.ts'
import { endedBy } from '../told.ts'

/** I5: epochs, the incarnation, the feed and the log only rise; numbers in the feed have no gap. */
export function monotone({ told, now, before }: Case): Violation[] {
  const found: string[] = []
  const { facts, head, incarnation } = now.feed
  // Facts stay for longer than any test lasts.
  const gap = facts.findIndex(({ seq }, index) => seq !== index + 1)
  if (gap !== -1) found.push(`the feed has ${facts[gap]?.seq} where ${gap + 1} belongs`)
  if (facts.length !== head) found.push(`the feed has ${facts.length} facts, and its head is ${head}`)

  const epochs = new Map<string, number>()
  for (const { id, epoch } of facts) {
    if (epoch <= (epochs.get(id) ?? 0)) found.push(`the epoch of ${id} went from ${epochs.get(id)} to ${epoch}`)
    epochs.set(id, epoch)
  }
  for (const [id, { epoch }] of now.agents) {
    if (epoch !== (epochs.get(id) ?? 0)) found.push(`agent ${id} has epoch ${epoch}, in the feed ${epochs.get(id)}`)
  }

  const ended = endedBy(told).filter(({ result }) => result.fact)
  for (const { wish, ended: at, result } of ended) {
    const epoch = result.fact?.epoch ?? 0
    if ((epochs.get(wish.id) ?? 0) < epoch) found.push(`the epoch of ${wish.id} is below the acknowledged ${epoch}`)
    for (const { asked, result: later } of told) {
      const carried = asked > at && later.token?.lineage.find(([id]) => id === wish.id)
      if (carried && carried[1] < epoch)
        found.push(`token ${later.token?.jti} was made with an old epoch of ${wish.id}`)
    }
  }
  if (before) found.push(...fallen(now, before))
  else if (incarnation < 1) found.push(`the incarnation is ${incarnation}`)
  return found.map((says) => ({ rule: 'I5', says }))
}

function fallen(now: Observation, before: Observation): string[] {
  const found: string[] = []
  const rises = (what: string, is: number, was: number) => {
    if (is < was) found.push(`${what} fell from ${was} to ${is}`)
  }
  rises('the incarnation', now.feed.incarnation, before.feed.incarnation)
  rises('the head of the feed', now.feed.head, before.feed.head)
  rises('the size of the log', now.log.head.size, before.log.head.size)
  for (const [id, { epoch }] of before.agents) rises(`the epoch of ${id}`, now.agents.get(id)?.epoch ?? -1, epoch)
  for (const fact of before.feed.facts) {
    const same = now.feed.facts.find(({ seq }) => seq === fact.seq)
    if (same?.id !== fact.id || same.epoch !== fact.epoch) found.push(`fact ${fact.seq} is not what it was`)
  }
  // Every byte of the log as it was seen before: with the root recomputed both times, this is consistency without a proof.
  for (const [index, { bytes }] of before.log.records.entries()) {
    if (now.log.records[index]?.bytes !== bytes) found.push(`place ${index} of the log is not what it was`)
  }
  return found
}
