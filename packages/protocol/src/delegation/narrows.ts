import { subsumes } from '../constraints.ts'
import { coversAll, parseScope } from '../scopes.ts'
import type { Statement } from './statement.ts'

export type NarrowedField =
  | 'scope'
  | 'aud'
  | 'onward'
  | 'constraints'
  | 'max_depth'
  | 'task'
  | 'sid'
  | 'authority'
  | 'exp'

/**
 * The first field in which a child's authority is not within its parent's, or undefined when all of it is.
 *
 * An on-behalf-of hop goes to the resources its parent names as `onward`; every other one stays at its parent's. `exp` comes last:
 * `verifyChain` refuses it as `expired`, where the draft has it, after everything that is `not_narrower`.
 */
export function narrows(parent: Statement, child: Statement): NarrowedField | undefined {
  const onBehalf = child.evidence.kind === 'attested' && child.evidence.how === 'on_behalf_of'
  const onward = parent.onward ?? []
  if (!coversAll(parseScope(parent.scope), parseScope(child.scope))) return 'scope'
  if (!within(onBehalf ? onward : parent.aud, child.aud)) return 'aud'
  if (!within(onward, child.onward ?? [])) return 'onward'
  if (!subsumes(parent.constraints ?? [], child.constraints ?? [])) return 'constraints'
  if (child.max_depth >= parent.max_depth) return 'max_depth'
  if (parent.task !== undefined && child.task !== parent.task) return 'task'
  if (parent.sid !== undefined && child.sid !== parent.sid) return 'sid'
  if (child.authority !== parent.authority) return 'authority'
  if (child.exp > parent.exp) return 'exp'
  return undefined
}

function within(all: readonly string[], some: readonly string[]): boolean {
  return some.every((one) => all.includes(one))
}
