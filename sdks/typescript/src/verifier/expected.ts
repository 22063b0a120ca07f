import {
  type AccessTokenClaims,
  checkConstraints,
  coversAll,
  type JsonObject,
  refuseAtUse as refuse,
} from '@credence/protocol'

/** What this call needs. */
export type Expected = {
  /** Every one of them: a space-separated text, or a list. */
  scope?: string | readonly string[]
  /** A tool the resource declares; its scope is needed too. */
  tool?: string
  /** The task this call belongs to, as somebody other than the caller says. */
  task?: string
  /** What the call is about to be done with: a delegation may bound it. Absent counts as none given, and bounds then refuse. */
  arguments?: JsonObject
  /** Verify every statement of the delegation chain itself; the first sight of a statement is fetched from its issuer. */
  chain?: 'prove'
}

/** What a call needs, or how to find that out: that is done once the caller is known to be one. */
export type Needs = Expected | (() => Expected | Promise<Expected>)

/** @throws Refusal `malformed` when it cannot be read, or gives arguments that are no object */
export async function readNeeds(needs: () => Expected | Promise<Expected>): Promise<Expected> {
  try {
    const expected = await needs()
    const { arguments: given = {} } = expected
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) return expected
  } catch (cause) {
    return refuse('malformed', { detail: 'What the call asks for cannot be read.', cause })
  }
  return refuse('malformed', { detail: 'The arguments are not an object.' })
}

/** The scopes each tool needs. */
export type Tools = ReadonlyMap<string, readonly string[]>

/** All scopes a call needs, the tool's included: what a challenge must name at once. */
export function neededScopes(expected: Expected, tools: Tools): readonly string[] {
  const { scope, tool } = expected
  // A text without a word in it names a scope that nobody has: what was meant to be set there is missing.
  const named = scope === undefined ? [] : typeof scope === 'string' ? scope.split(' ') : scope
  const needed = tool === undefined ? undefined : tools.get(tool)
  return needed === undefined ? named : [...new Set([...named, ...needed])]
}

/**
 * Scope, tool, task and arguments of one call against a verified token.
 *
 * @throws Refusal `tool_unknown`, `tool_not_granted`, `insufficient_scope`, `task_required`, `ceiling_exceeded`, `unknown_constraint`
 */
export function checkExpected(
  claims: AccessTokenClaims,
  granted: readonly string[],
  expected: Expected,
  tools: Tools,
): void {
  if (expected.scope !== undefined && !coversAll(granted, neededScopes({ scope: expected.scope }, tools))) {
    refuse('insufficient_scope')
  }
  if (expected.tool !== undefined) {
    const needed = tools.get(expected.tool)
    if (needed === undefined) refuse('tool_unknown')
    if (!coversAll(granted, needed)) refuse('tool_not_granted')
  }
  if (expected.task !== undefined && claims.task !== expected.task) refuse('task_required')
  for (const detail of claims.authorization_details ?? [])
    checkConstraints(detail.constraints, expected.arguments ?? {})
}
