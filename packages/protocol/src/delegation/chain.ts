/** Delegation chains: statements, root first, each resting on the one before it. */

import { checkConstraints } from '../constraints.ts'
import type { JsonObject } from '../json.ts'
import { verifyJws } from '../jws.ts'
import type { PublicKey } from '../keys.ts'
import { isRefusal, refuseAtUse as refuse } from '../refusals/at_use.ts'
import { coversAll, parseScope } from '../scopes.ts'
import type { KnownStatements } from './known_statements.ts'
import { narrows } from './narrows.ts'
import { agentOf, type ReadStatement, readStatement, type Statement } from './statement.ts'

export type VerifiedHop = { statement: Statement; hash: string; kid: string; compact: string }

export type VerifiedChain = { hops: VerifiedHop[]; principal: string; leaf: VerifiedHop }

export type ChainChecks = {
  /** The issuer URL of the authority that all statements must be meant for. */
  authority: string
  /** Seconds since 1970. */
  now: number
  /** Allowed between clocks; 5 seconds unless given. */
  toleranceSeconds?: number
  /**
   * The key a hop must be signed with: the delegator's registered one (`who` is `statement.iss`) for `signed` evidence, the authority's
   * (`who` is `statement.authority`) for `attested`. Undefined when there is none with this key id.
   */
  keyOf: (who: string, kid: string, statement: Statement) => Promise<PublicKey | undefined>
  /** What was read and verified before, and need not be again. */
  known?: KnownStatements
  /** At most this many hops; never more than 8. */
  maxDepth?: number
  /** Who presents the chain, as authenticated: SPIFFE IDs. Absent: not checked here. */
  holder?: { agent: string; instance?: string }
  /** Whether the chain still stands. Absent: not checked here. */
  standing?: (hops: VerifiedHop[]) => Promise<'alive' | 'revoked' | 'unknown'>
  /** What is to be done with it. Absent: the chain may be called valid, and nothing permitted. */
  action?: { audience: string; scope: string[]; arguments?: JsonObject }
}

const mostHops = 8

/**
 * Verifies a chain on its own; chains are never combined.
 *
 * The order is fixed and the first failure wins (draft-asor-wimse-agent-delegation-chain-02): form (`malformed`, `non_canonical`,
 * `duplicate_member`, `non_finite`, `too_large`, `too_deep`, `type_mismatch`, `issuer_untrusted` when meant for another authority);
 * signatures (`evidence_refused`, `delegator_unknown`, `signature_invalid`); links (`par_hash_mismatch`); depth and principal
 * (`depth_invalid`, `principal_altered`); narrowing (`not_narrower`); time (`expired`); holder (`holder_binding_failed`); revocation
 * (`revoked`, `status_unknown`); action (`audience_mismatch`, `scope_not_granted`, `unknown_constraint`, `ceiling_exceeded`).
 * More hops than `maxDepth` are `depth_invalid` before anything is read.
 *
 * @param statements compact JWS, root first
 */
export async function verifyChain(statements: readonly string[], checks: ChainChecks): Promise<VerifiedChain> {
  const read = await readHops(statements, checks)
  await verifySignatures(statements, read, checks)
  checkLinks(read)
  const hops = read.map(({ statement, hash, kid }, place) => ({
    statement,
    hash,
    kid,
    compact: statements[place] as string,
  }))
  const said = read.map(({ statement }) => statement)
  const root = said[0] as Statement
  checkDepth(said)
  checkPrincipal(root, said)
  checkNarrowing(said)
  checkTimes(said, checks)
  const leaf = hops.at(-1) as VerifiedHop
  checkHolder(leaf.statement, checks)
  await checkStanding(hops, checks)
  checkAction(leaf.statement, checks)
  return { hops, principal: root.sub, leaf }
}

/** How a whole chain travels as one value: joined by `~`, which no JWS contains. */
export function joinChain(statements: readonly string[]): string {
  return statements.join('~')
}

/** The statements of a joined chain, root first. Refuses `malformed` empty parts and `depth_invalid` more than 8. */
export function splitChain(text: string): string[] {
  // Nine parts tell "too many" from "enough" without splitting a text of any length.
  const statements = text.split('~', mostHops + 1)
  if (statements.length > mostHops) refuse('depth_invalid')
  if (statements.includes('')) refuse('malformed', { detail: 'chain: an empty statement' })
  return statements
}

async function readHops(
  statements: readonly string[],
  { authority, known, maxDepth = mostHops }: ChainChecks,
): Promise<ReadStatement[]> {
  if (statements.length === 0) refuse('malformed', { detail: 'chain: no statement' })
  if (statements.length > Math.min(maxDepth, mostHops)) refuse('depth_invalid')
  const read: ReadStatement[] = []
  for (const compact of statements) read.push(known?.read(compact) ?? (await readStatement(compact)))
  if (read.some(({ statement }) => statement.authority !== authority)) {
    refuse('issuer_untrusted', { detail: 'statement.authority: another authority' })
  }
  return read
}

async function verifySignatures(
  statements: readonly string[],
  read: readonly ReadStatement[],
  { keyOf, known }: ChainChecks,
): Promise<void> {
  for (const [place, one] of read.entries()) {
    const { statement, kid, jws } = one
    const compact = statements[place] as string
    const { kind } = statement.evidence
    if (kind === 'passkey') refuse('evidence_refused', { detail: `hop ${place}` })
    const key = await keyOf(kind === 'attested' ? statement.authority : statement.iss, kid, statement)
    if (!key) refuse('delegator_unknown', { detail: `hop ${place}` })
    if (known?.isSignedBy(compact, key)) continue
    try {
      await verifyJws(jws, key)
      known?.remember(compact, one, key)
    } catch (cause) {
      // The draft has one name for all of it, a refused algorithm included.
      if (!isRefusal(cause)) throw cause
      refuse('signature_invalid', { detail: `hop ${place}`, cause })
    }
  }
}

function checkLinks(read: readonly ReadStatement[]): void {
  // A root that names a parent is the lower part of a longer chain: what it inherits cannot be seen.
  if (read[0]?.statement.par_hash !== undefined) refuse('malformed', { detail: 'hop 0: names a parent' })
  for (const [place, parent, child] of pairs(read)) {
    const delegator = agentOf(parent.statement.delegate)
    if (child.statement.par_hash !== parent.hash) refuse('par_hash_mismatch', { detail: `hop ${place}` })
    if (child.statement.iss !== delegator)
      refuse('par_hash_mismatch', { detail: `hop ${place}: its delegator is not the delegate above` })
  }
}

function checkDepth(said: readonly Statement[]): void {
  for (const [place, { max_depth }] of said.entries()) {
    if (said.length - 1 - place > max_depth) refuse('depth_invalid', { detail: `hop ${place}` })
  }
}

function checkPrincipal(root: Statement, said: readonly Statement[]): void {
  // Only the authority may say that somebody else spoke for the principal.
  if (root.iss !== root.sub && root.evidence.kind !== 'attested') {
    refuse('principal_altered', { detail: 'hop 0: not the principal’s own' })
  }
  const altered = said.findIndex(({ sub }) => sub !== root.sub)
  if (altered >= 0) refuse('principal_altered', { detail: `hop ${altered}` })
}

function checkNarrowing(said: readonly Statement[]): void {
  for (const [place, parent, child] of pairs(said)) {
    const field = narrows(parent, child)
    if (field !== undefined && field !== 'exp') refuse('not_narrower', { detail: `hop ${place}: ${field}` })
  }
}

function checkTimes(said: readonly Statement[], { now, toleranceSeconds = 5 }: ChainChecks): void {
  for (const [place, parent, child] of pairs(said)) {
    if (child.exp > parent.exp) refuse('expired', { detail: `hop ${place}: ends after the hop above` })
  }
  for (const [place, { iat, exp }] of said.entries()) {
    if (exp + toleranceSeconds <= now) refuse('expired', { detail: `hop ${place}` })
    // Else a statement from the future would live longer than 90 days.
    if (iat - toleranceSeconds > now) refuse('expired', { detail: `hop ${place}: not valid yet` })
  }
}

function checkHolder(leaf: Statement, { holder }: ChainChecks): void {
  if (!holder) return
  if (leaf.delegate === holder.agent) return
  const { instance } = holder
  if (instance !== undefined && leaf.delegate === instance && agentOf(instance) === holder.agent) return
  refuse('holder_binding_failed')
}

async function checkStanding(hops: VerifiedHop[], { standing }: ChainChecks): Promise<void> {
  if (!standing) return
  const answer = await standing(hops)
  if (answer === 'revoked') refuse('revoked')
  if (answer !== 'alive') refuse('status_unknown')
}

function checkAction(leaf: Statement, { action }: ChainChecks): void {
  if (!action) return
  if (!leaf.aud.includes(action.audience)) refuse('audience_mismatch')
  if (!coversAll(parseScope(leaf.scope), action.scope)) refuse('scope_not_granted')
  checkConstraints(leaf.constraints ?? [], action.arguments ?? {})
}

/** Each hop with the one above it. */
function pairs<T>(hops: readonly T[]): Array<[place: number, parent: T, child: T]> {
  return hops.slice(1).map((child, above) => [above + 1, hops[above] as T, child])
}
