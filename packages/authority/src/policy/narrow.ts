import { coversAll, intersectScopes, reduceScopes, refuse } from '@credence/protocol'

/**
 * What every one of these ceilings allows. A ceiling is a list of scopes; order does not matter, and adding one never widens
 * the result.
 */
export function granted(ceilings: ReadonlyArray<readonly string[]>): string[] {
  const [first, ...others] = ceilings
  // Without any ceiling there is no authority to draw on: nothing, not everything.
  if (first === undefined) return []
  return others.reduce<string[]>((allowed, ceiling) => intersectScopes(allowed, ceiling), intersectScopes(first, first))
}

/**
 * The scopes a token gets. Requested: exactly those, or `scope_exceeds_grant` (which does not say what would have been
 * allowed). Not requested: all that is allowed, or `scope_exceeds_grant` when that is nothing. `scope_unknown`: asked for
 * something the resource does not even declare. `beyond`: scopes for resources its operator may go on to.
 */
export function narrow(
  ceilings: ReadonlyArray<readonly string[]>,
  requested: readonly string[] | undefined,
  resource: { declared: readonly string[]; beyond: readonly string[] },
): string[] {
  const { declared, beyond } = resource
  const here = granted(ceilings)
  if (requested === undefined) {
    if (here.length === 0) refuse('scope_exceeds_grant')
    return reduceScopes([...here, ...beyond])
  }
  if (!coversAll([...declared, ...beyond], requested)) refuse('scope_unknown')
  if (!coversAll([...here, ...beyond], requested)) refuse('scope_exceeds_grant')
  return [...requested]
}
