/**
 * Scopes: what a token or a delegation allows, as words (RFC 6749 section 3.3).
 *
 * A scope has one of three forms, told apart by its bytes alone, in this order (the grammar of
 * draft-asor-wimse-agent-delegation-chain-02 section 4.1, with `:` for its dot):
 * - literal: lower-case segments joined by `:`, such as `pr:write:draft`;
 * - wildcard: the same with `*` as its last segment, such as `pr:*`; covers everything below its prefix, and not the prefix itself;
 * - opaque: any other RFC 6749 scope token without `*`, such as `User.Read`; covers and is covered by itself only.
 * Nothing is ever folded, trimmed or normalised.
 */

import { refuseAtUse as refuse } from './refusals/at_use.ts'

const segments = '[a-z][a-z0-9_-]*(?::[a-z][a-z0-9_-]*)*'
const literalForm = new RegExp(`^${segments}$`)
const wildcardForm = new RegExp(`^${segments}:\\*$`)
/** RFC 6749 `scope-token` without `*`, so that a misplaced wildcard is never mistaken for a word. */
const opaqueForm = /^[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]+$/

const longestScope = 256
const mostScopes = 64

/** Whether `text` is one scope in one of the three forms, at most 256 characters long. */
export function isScope(text: string): boolean {
  return text.length <= longestScope && (opaqueForm.test(text) || wildcardForm.test(text))
}

/**
 * Reads a space-separated `scope` value: one to 64 different scopes, single spaces between them.
 * Refuses `malformed`.
 */
export function parseScope(text: string): string[] {
  if (text.length > mostScopes * (longestScope + 1)) refuse('malformed', { detail: 'scope: too long' })
  const scopes = text.split(' ')
  if (scopes.length > mostScopes) refuse('malformed', { detail: `scope: more than ${mostScopes} scopes` })
  if (!scopes.every(isScope)) refuse('malformed', { detail: 'scope: not a scope' })
  if (new Set(scopes).size !== scopes.length) refuse('malformed', { detail: 'scope: named twice' })
  return scopes
}

/** The `scope` value for these scopes: each once, in code unit order. Refuses `malformed` what `parseScope` would refuse. */
export function formatScope(scopes: readonly string[]): string {
  const text = [...new Set(scopes)].sort().join(' ')
  parseScope(text)
  return text
}

/** Whether who holds `granted` may do `wanted`. What is not a scope covers nothing. A partial order on scopes. */
export function covers(granted: string, wanted: string): boolean {
  return isCovered((scope) => scope === granted, wanted)
}

/** Whether each wanted scope is covered by a granted one. */
export function coversAll(granted: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => isCovered((held) => granted.includes(held), scope))
}

/** The same authority in its fewest words: without scopes that another one covers, in code unit order. */
export function reduceScopes(scopes: readonly string[]): string[] {
  const once = new Set(scopes)
  return [...once].sort().filter((scope) => !isCovered((held) => held !== scope && once.has(held), scope))
}

/**
 * What both sides cover, reduced: of each pair the narrower one, when one covers the other. Two scopes that share anything
 * are always so ordered (wildcards form a tree), so nothing that both sides cover is lost.
 */
export function intersectScopes(granted: readonly string[], wanted: readonly string[]): string[] {
  const [held, asked] = [new Set(granted), new Set(wanted)]
  return reduceScopes([
    ...wanted.filter((scope) => isCovered((one) => held.has(one), scope)),
    ...granted.filter((scope) => isCovered((one) => asked.has(one), scope)),
  ])
}

/**
 * Whether one of those that are `held` covers this: itself, or a wildcard at one of its own colons. Asking for each of these, and
 * not each that is held, costs what the scope is long, however many are held and however they are nested.
 */
function isCovered(held: (scope: string) => boolean, scope: string): boolean {
  if (held(scope)) return isScope(scope)
  const colon = scope.indexOf(':')
  if (colon === -1 || scope.length > longestScope || !(literalForm.test(scope) || wildcardForm.test(scope)))
    return false
  for (let at = colon; at !== -1; at = scope.indexOf(':', at + 1)) {
    if (held(`${scope.slice(0, at)}:*`)) return true
  }
  return false
}
