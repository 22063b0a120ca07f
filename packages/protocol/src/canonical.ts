import serialize from 'canonicalize'
import type { JsonValue } from './json.ts'
import { refuse } from './refusals.ts'

/**
 * The canonical text of a value (JCS, RFC 8785). Members that are undefined are left out.
 *
 * Refuses `malformed` for strings with lone surrogates, and `non_finite` for numbers JSON cannot write.
 */
export function canonicalize(value: JsonValue): string {
  let text: string | undefined
  try {
    text = serialize(value)
  } catch (cause) {
    refuse(hasNonFinite(value) ? 'non_finite' : 'malformed', { cause })
  }
  return text ?? refuse('malformed')
}

/** Whether `text` is the canonical text of `value`, which was parsed from it. */
export function isCanonical(text: string, value: JsonValue): boolean {
  return canonicalize(value) === text
}

function hasNonFinite(value: JsonValue | undefined): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNonFinite)
}
