/** May these actors, for this principal, do this there, now? */
export type Question = {
  /** As it stands in `sub`. */
  principal: string
  /** SPIFFE IDs, newest first; the principal itself when it acts for itself. */
  actors: readonly string[]
  /** What is to be done: issue a token, in which way. */
  action: { kind: 'issue'; grant: string }
  resource: { id: string; audience: string }
  scope: readonly string[]
  task?: string
}

/** `policy`: which one decided. `reasons`: closed words that may go into the log. */
export type Decision = { outcome: 'permit' | 'deny' | 'needs_approval'; reasons: readonly string[]; policy: string }

/** Decides a question. A function, so that an engine can stand in the place of the baseline. */
export type Decide = (question: Question) => Promise<Decision>

/**
 * The baseline: what the grants, capabilities and permissions leave after narrowing may be done; nothing left, nothing may.
 * It cannot fail open: the one way to a permit is a non-empty scope.
 */
export const decide: Decide = async ({ scope }) => {
  if (scope.length === 0) return { outcome: 'deny', reasons: ['nothing_granted'], policy: 'baseline' }
  return { outcome: 'permit', reasons: ['within_grant'], policy: 'baseline' }
}
