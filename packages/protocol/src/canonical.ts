import { isJsonArray, type JsonValue } from './json.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'

/**
 * The canonical text of a value (JCS, RFC 8785). Members that are undefined are left out.
 *
 * Refuses `malformed` for strings with lone surrogates, and `non_finite` for numbers JSON cannot write.
 */
export function canonicalize(value: JsonValue): string {
  // RFC 8785 §3.2.2.2 and §3.2.2.3 take strings and numbers as ECMAScript writes them; only what it would write in another
  // meaning is left to refuse.
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' && !Number.isFinite(value)) refuse('non_finite')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? refuse('malformed')
  let text = ''
  if (isJsonArray(value)) {
    for (const element of value) text += `${text && ','}${canonicalize(element)}`
    return `[${text}]`
  }
  // §3.2.3: by UTF-16 code units, which is how `sort` compares.
  for (const name of Object.keys(value).sort()) {
    const member = value[name]
    if (member !== undefined) text += `${text && ','}${quoted(name)}:${canonicalize(member)}`
  }
  return `{${text}}`
}

function quoted(text: string): string {
  return text.isWellFormed() ? JSON.stringify(text) : refuse('malformed')
}

/** Whether `text` is the canonical text of `value`, which was parsed from it. */
export function isCanonical(text: string, value: JsonValue): boolean {
  return canonicalize(value) === text
}
