import { agentOf, readStatement, refuse, splitChain } from '@credence/protocol'

/** A hand-over that names this agent: pass it as `delegation` when asking for a token, or hand it on. */
export type Delegation = {
  /** The whole chain, root first: what travels. Worth nothing without the delegate's key. */
  readonly chain: string
  readonly principal: string
  readonly delegator: string
  readonly resources: readonly string[]
  readonly scope: string
  readonly task?: string
  /** How many times it may still be handed on. */
  readonly maxDepth: number
  /** Unix seconds. */
  readonly expiresAt: number
}

/**
 * Reads a chain that was handed to this agent. Its signatures are not checked here: the authority does that when it is first
 * exchanged, and an agent has nothing to lose by holding a false one.
 *
 * @throws Refusal `malformed` and its kin, `holder_binding_failed` when it names somebody else, `issuer_untrusted` when it is
 *   meant for another authority, as `verifyChain` does, `expired`
 */
export async function accept(
  chain: string,
  holder: { clientId: string; instance?: string; issuer: string; now: number },
): Promise<Delegation> {
  const leaf = splitChain(chain).at(-1)
  if (leaf === undefined) return refuse('malformed')
  const { statement } = await readStatement(leaf)
  if (statement.authority !== holder.issuer) return refuse('issuer_untrusted')
  if (!names(statement.delegate, holder)) return refuse('holder_binding_failed')
  if (statement.exp <= holder.now) return refuse('expired')
  return Object.freeze({
    chain,
    principal: statement.sub,
    delegator: statement.iss,
    resources: Object.freeze([...statement.aud]),
    scope: statement.scope,
    ...(statement.task !== undefined && { task: statement.task }),
    maxDepth: statement.max_depth,
    expiresAt: statement.exp,
  })
}

function names(delegate: string, holder: { clientId: string; instance?: string }): boolean {
  if (delegate === holder.clientId) return true
  // An agent that does not say which instance it is lets the authority tell by its key.
  return holder.instance === undefined ? agentOf(delegate) === holder.clientId : delegate === holder.instance
}
