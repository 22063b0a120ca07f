import { refuseAtUse as refuse } from './refusals/at_use.ts'

// The parts of an absolute http(s) URI (RFC 3986 appendix B), ASCII only; no userinfo, no backslash, no space or
// control character.
const TARGET = /^(https?):\/\/([^/?#@\\]+)(|\/[^?#\\]*)(?:[?#].*)?$/i
const PRINTABLE = /^[\x21-\x7e]+$/
const AUTHORITY = /^((?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+|\[[0-9a-f:.]+\])(?::([0-9]*))?$/
const ESCAPE = /%([0-9a-f]{2})/gi
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i
const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * The target of a request without query and fragment, in normal form: scheme and host in lower case, no default port,
 * escapes in upper case and only where needed, no dot segments (RFC 3986 §6.2.2 and §6.2.3). Done on the text itself: a
 * URL parser would also map full-width digits, octal addresses and backslashes, and so call equal what is not.
 *
 * Refuses `malformed`.
 */
export function normalizeTarget(uri: string): string {
  const [, scheme = '', authority = '', path = ''] =
    (uri.length <= 8192 && PRINTABLE.test(uri) && TARGET.exec(uri)) || []
  const [, host, port = ''] = AUTHORITY.exec(authority.toLowerCase()) ?? []
  if (host === undefined) refuse('malformed')
  const isDefaultPort = port === '' || port === (scheme.toLowerCase() === 'https' ? '443' : '80')
  return `${scheme.toLowerCase()}://${host}${isDefaultPort ? '' : `:${port}`}${normalizePath(path)}`
}

function normalizePath(path: string): string {
  if (!path.includes('%') && !path.includes('/.')) return path === '' ? '/' : path
  // RFC 3986 §2.1. Left alone, `%4%41` would become an escape that nobody wrote.
  if (BROKEN_ESCAPE.test(path)) refuse('malformed')
  const unescaped = path.replace(ESCAPE, (triplet, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return UNRESERVED.test(character) ? character : triplet.toUpperCase()
  })
  return removeDotSegments(unescaped)
}

/** RFC 3986 §5.2.4, for a path that is absolute. */
function removeDotSegments(path: string): string {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const dots = segment === '.' || segment === '..'
    if (segment === '..') kept.pop()
    if (!dots) kept.push(segment)
    else if (index === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}
