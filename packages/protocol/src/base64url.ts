import { decodeUtf8 } from './json.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0))
const VALUES = new Uint8Array(128).fill(255)
for (let value = 0; value < 64; value++) VALUES[LETTERS[value] as number] = value

const ascii = new TextDecoder('utf-8')
const NOT_ASCII = /[^\0-\x7f]/

// Where the runtime has it (ES2026): half of the time for an id, a tenth for a token.
type ToBase64 = (this: Uint8Array, options: { alphabet: 'base64url'; omitPadding: true }) => string

const base64url = { alphabet: 'base64url', omitPadding: true } as const

/** base64url without padding (RFC 4648 §5, RFC 7515 §2). */
export function encode(bytes: Uint8Array): string {
  const { toBase64 } = bytes as { toBase64?: ToBase64 }
  if (toBase64) return toBase64.call(bytes, base64url)
  const letters = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let out = 0
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    // Writes past the end of a typed array are dropped: that leaves out the letters a short last group does not have.
    letters[out++] = LETTERS[group >> 18] as number
    letters[out++] = LETTERS[(group >> 12) & 63] as number
    letters[out++] = LETTERS[(group >> 6) & 63] as number
    letters[out++] = LETTERS[group & 63] as number
  }
  return ascii.decode(letters)
}

/**
 * The bytes of base64url text. One text per value: refuses `malformed` for padding, white space, the other alphabet,
 * and trailing bits that are not zero (RFC 4648 §3.5), so that nobody can spell one token in two ways.
 */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  assertEnd(text)
  const bytes = new Uint8Array(byteLength(text))
  let out = 0
  let bad = 0
  for (let at = 0; at < text.length; at += 4) {
    const a = valueAt(text, at)
    const b = valueAt(text, at + 1)
    const c = at + 2 < text.length ? valueAt(text, at + 2) : 0
    const d = at + 3 < text.length ? valueAt(text, at + 3) : 0
    bad |= a | b | c | d
    bytes[out++] = (a << 2) | (b >> 4)
    bytes[out++] = (b << 4) | (c >> 2)
    bytes[out++] = (c << 6) | d
  }
  if (bad > 63) refuse('malformed')
  return bytes
}

/** The UTF-8 text in base64url text; refuses what `decode` refuses, and `malformed` for bytes that are not UTF-8. */
export function decodeText(text: string): string {
  assertEnd(text)
  // The runtime's decoder makes a text without an array in between, which costs more than decoding does.
  const binary = decodeByRuntime(text)
  // ASCII, which nearly all of it is, says the same in either encoding.
  return NOT_ASCII.test(binary) ? decodeUtf8(decode(text)) : binary
}

/** One character per byte. */
function decodeByRuntime(text: string): string {
  if (text.includes('+') || text.includes('/')) refuse('malformed')
  let binary: string
  try {
    binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return refuse('malformed')
  }
  // It passes over white space and padding. Of two lengths that can end here the longer makes more bytes: none was there.
  return binary.length === byteLength(text) ? binary : refuse('malformed')
}

function byteLength(text: string): number {
  return Math.floor((text.length * 3) / 4)
}

function assertEnd(text: string): void {
  const rest = text.length & 3
  if (rest === 1) refuse('malformed')
  if (rest === 2 && valueAt(text, text.length - 1) & 15) refuse('malformed')
  if (rest === 3 && valueAt(text, text.length - 1) & 3) refuse('malformed')
}

// 255 for what is not in the alphabet: every value in it leaves the two high bits clear.
function valueAt(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)] ?? 255
}
