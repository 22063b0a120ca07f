import {
  agentOf,
  type Constraint,
  defaultDelegationSeconds,
  formatScope,
  joinChain,
  narrows,
  newStatement,
  readStatement,
  refuse,
  type SigningKey,
  type Statement,
  type StatementWords,
  signStatement,
  splitChain,
} from '@credence/protocol'
import { type Clock, systemClock } from '../runtime.ts'

/** What is handed over. */
export type Handover = {
  /** SPIFFE ID of the agent, or of one instance of it. */
  to: string
  /** Audiences at which it may be used. */
  resources: readonly string[]
  scope: string | readonly string[]
  /** Bounds on the arguments of calls. */
  constraints?: readonly Constraint[]
  /** Seconds; 24 hours unless chosen, 90 days at most, and never beyond what was received. */
  expiresIn?: number
  /** How many times it may be handed on; 0 unless chosen. */
  maxDepth?: number
  task?: string
  /** Audiences that a resource called with it may call in turn. */
  onward?: readonly string[]
}

export type Delegator = {
  /** The delegator as its statements name it: an agent's SPIFFE ID, or a `psn_` id. */
  iss: string
  issuer: string
  key: SigningKey
  clock: Clock
}

/**
 * Signs a hand-over without asking anybody, and gives the text that the delegate accepts: the whole chain, root first.
 *
 * @throws Refusal `not_narrower` when it hands on more than was received, `holder_binding_failed` when the parent was given to
 *   somebody else
 */
export async function delegate(delegator: Delegator, handover: Handover, parent?: string): Promise<string> {
  const now = Math.floor(delegator.clock.nowMs() / 1000)
  const received = parent === undefined ? [] : splitChain(parent)
  const above = received.at(-1)
  const read = above === undefined ? undefined : await readStatement(above)
  const words: StatementWords = {
    iss: delegator.iss,
    sub: read?.statement.sub ?? delegator.iss,
    delegate: handover.to,
    authority: delegator.issuer,
    aud: [...handover.resources],
    scope: typeof handover.scope === 'string' ? handover.scope : formatScope(handover.scope),
    exp: expiry(now, handover.expiresIn, read?.statement),
    ...(handover.maxDepth !== undefined && { max_depth: handover.maxDepth }),
    ...(handover.onward !== undefined && { onward: [...handover.onward] }),
    ...inherited(handover, read?.statement),
    ...(read !== undefined && { par_hash: read.hash }),
  }
  const statement = newStatement(words, now)
  if (read !== undefined) refuseWider(read.statement, statement)
  return joinChain([...received, await signStatement(delegator.key, statement)])
}

/**
 * A person (or anyone else whose key is registered) hands over part of what they may do themselves.
 *
 * @throws Refusal `malformed`
 */
export function delegateAs(
  who: { person: string; key: SigningKey; issuer: string; clock?: Clock },
  handover: Handover,
): Promise<string> {
  const { person, key, issuer, clock = systemClock } = who
  return delegate({ iss: person, issuer, key, clock }, handover)
}

function expiry(now: number, expiresIn: number | undefined, parent: Statement | undefined): number {
  const wanted = now + (expiresIn ?? defaultDelegationSeconds)
  // A lifetime that nobody chose is cut to the parent's; one that was chosen and is too long refuses.
  return parent !== undefined && expiresIn === undefined ? Math.min(wanted, parent.exp) : wanted
}

/** The parent's session stays in force, and its task and constraints when the hand-over says nothing of them. */
function inherited(handover: Handover, parent: Statement | undefined): Pick<Statement, 'task' | 'sid' | 'constraints'> {
  const task = handover.task ?? parent?.task
  const constraints = handover.constraints === undefined ? parent?.constraints : [...handover.constraints]
  return {
    ...(task !== undefined && { task }),
    ...(parent?.sid !== undefined && { sid: parent.sid }),
    ...(constraints !== undefined && { constraints }),
  }
}

function refuseWider(parent: Statement, child: Statement): void {
  if (agentOf(parent.delegate) !== child.iss) refuse('holder_binding_failed')
  const wider = narrows(parent, child)
  if (wider !== undefined) refuse('not_narrower', { detail: `It would widen ${wider}.` })
}
