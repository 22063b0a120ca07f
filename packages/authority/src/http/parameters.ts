import { refuse } from '@credence/protocol'

const most = 64

/**
 * Reads `name=value&…` strictly. Unlike `URLSearchParams` it refuses broken escapes, bytes that are not UTF-8 and control
 * characters (`malformed`), and a name given twice (`parameter_repeated`), which two readers could understand differently.
 */
export function parseParameters(text: string): Record<string, string> {
  const found = new Map<string, string>()
  if (text === '') return {}
  for (const pair of text.split('&')) {
    if (pair === '') refuse('malformed', { detail: 'A parameter has no name.' })
    const split = pair.indexOf('=')
    const name = decode(split === -1 ? pair : pair.slice(0, split))
    const value = split === -1 ? '' : decode(pair.slice(split + 1))
    if (found.has(name)) refuse('parameter_repeated', { detail: 'Every parameter may be given once.' })
    if (found.size === most) refuse('malformed', { detail: `There are more than ${most} parameters.` })
    found.set(name, value)
  }
  return Object.fromEntries(found)
}

/** What stands for itself: nothing in it is escaped, and nothing needs to be. Most values, tokens above all, are such. */
const plain = /^[A-Za-z0-9._~-]*$/

function decode(text: string): string {
  if (plain.test(text)) return text
  const decoded = unescaped(text.replaceAll('+', ' '))
  if (decoded === undefined) refuse('malformed', { detail: 'A parameter is not correctly escaped.' })
  if (!isClean(decoded)) refuse('malformed', { detail: 'A parameter has control characters.' })
  return decoded
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Whether a text from a path, a query or a form is one that anything could be called: without control characters. */
export function isClean(text: string): boolean {
  return !/\p{Cc}/u.test(text)
}
