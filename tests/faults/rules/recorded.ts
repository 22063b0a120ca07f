import { asRefusal, type Leaf, type LeafType, verifyLog } from '@credence/protocol'
import { type Case, describe, isEffect, type Violation } from '../check.ts'
import type { Deed } from '../ledger.ts'
import type { Told } from '../told.ts'

const recordOf: Record<Deed, LeafType> = {
  issue: 'token.issued',
  exchange: 'token.exchanged',
  'register agent': 'agent.registered',
  'register delegation': 'delegation.registered',
  revoke: 'revocation.made',
  'revoke own token': 'revocation.made',
  suspend: 'revocation.made',
  resume: 'standing.restored',
  rotate: 'signing_key.changed',
}

/** I4: the log is whole, and everything acknowledged is in it. */
export async function recorded({ told, now, byTrace, map }: Case): Promise<Violation[]> {
  const found: string[] = []
  const { head, records } = now.log
  const inOrder = records.every(({ position }, index) => position === index)
  if (!inOrder || records.length < head.size) found.push(`places ${records.length} of ${head.size}, or not in order`)
  await verifyLog(
    records.map(({ position, bytes }) => ({ position, leaf: bytes })),
    head,
  ).catch((error: unknown) => found.push(`the log does not verify: ${asRefusal(error).detail}`))

  for (const one of told) {
    // `rotations` looks at these: their records name the key.
    if (one.outcome !== 'done' || one.wish.do === 'rotate') continue
    const effects = byTrace.get(one.wish.trace)?.filter(isEffect) ?? []
    const fitting = effects.some(({ leaf }) => fits(leaf, one))
    // A token of one's own that was dead already: 200 without an effect (RFC 7009 §2.2).
    if (!fitting && !(one.wish.do === 'revoke own token' && isDead(one, told, map))) {
      found.push(`${describe(one)}: acknowledged, and no record of it`)
    }
  }
  return found.map((says) => ({ rule: 'I4', says }))
}

function fits(leaf: Leaf, { wish, result }: Told): boolean {
  if (leaf.type !== recordOf[wish.do]) return false
  if (result.token) return leaf.token === result.token.jti && leaf.agent === wish.id
  return leaf.subject === (wish.id ?? result.id)
}

function isDead({ wish: { id } }: Told, told: readonly Told[], map: Case['map']): boolean {
  const token = told.find(({ result }) => result.token?.jti === id)?.result.token
  return token !== undefined && map.deadBy(token.lineage, [token.jti, token.kid]) !== undefined
}
