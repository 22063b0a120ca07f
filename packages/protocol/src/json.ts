import { type CodeAtUse, refuseAtUse as refuse } from './refusals/at_use.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export type JsonObject = { readonly [name: string]: JsonValue }

/**
 * Bounds of a document. Defaults: 16384 bytes of UTF-8, 16 levels; `maxMembers` counts members and elements, all levels
 * together.
 */
export type JsonLimits = { maxBytes?: number; maxDepth?: number; maxMembers?: number }

const encoder = new TextEncoder()
// ignoreBOM keeps a byte order mark in the text, where the grammar then refuses it (RFC 8259 §8.1).
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Freezes a value and all that is in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/**
 * Parses JSON (RFC 8259) that may come from anybody, in one pass, with everything that parsers disagree on refused.
 *
 * Objects have no prototype: `__proto__` and `constructor` are members like any other.
 *
 * Refuses `too_large` (before reading), `too_deep`, `duplicate_member` (names compared after unescaping), `non_finite`
 * (`1e400`, `NaN`) and `malformed` (all else: lone surrogates, trailing text, numbers beyond 2^53 - 1, which parsers
 * read differently, RFC 7493 §2.2).
 */
export function parseJson(text: string, limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? 16_384
  // A UTF-16 unit takes one to three bytes of UTF-8: only texts between the two bounds need counting.
  if (text.length > maxBytes) refuse('too_large')
  if (text.length * 3 > maxBytes && encoder.encode(text).length > maxBytes) refuse('too_large')
  return parseText(text, limits)
}

/** `parseJson` on UTF-8; bytes that are not UTF-8 are `malformed`. */
export function parseJsonBytes(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  if (bytes.length > (limits.maxBytes ?? 16_384)) refuse('too_large')
  return parseText(decodeUtf8(bytes), limits)
}

/** UTF-8 to text; refuses `malformed` instead of replacing what is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    return refuse('malformed', { cause })
  }
}

function parseText(text: string, limits: JsonLimits): JsonValue {
  if (!text.isWellFormed()) refuse('malformed')
  const parser = new Parser(text, limits.maxDepth ?? 16, limits.maxMembers ?? Number.POSITIVE_INFINITY)
  return parser.document()
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

// Sticky, so that they match at one place only; each alternative consumes, so matching is linear.
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const NOT_A_NUMBER = /-?Infinity|NaN/y

/**
 * An object that inherits nothing. Of a class, because the engine keeps the members of what `Object.create(null)` makes in a hash
 * table, which reads and freezes several times slower.
 */
class Bare {
  [name: string]: JsonValue

  static {
    // biome-ignore lint/complexity/useLiteralKeys: the member of the prototype, not of what is parsed.
    delete (Bare.prototype as { constructor?: unknown })['constructor']
    Object.freeze(Object.setPrototypeOf(Bare.prototype, null))
  }
}

class Parser {
  readonly #text: string
  readonly #maxDepth: number
  #membersLeft: number
  #at = 0
  #depth = 0

  constructor(text: string, maxDepth: number, maxMembers: number) {
    this.#text = text
    this.#maxDepth = maxDepth
    this.#membersLeft = maxMembers
  }

  document(): JsonValue {
    const value = this.#value()
    if (!Number.isNaN(this.#next())) this.#refuse('malformed')
    return value
  }

  /** Skips white space; the code of the character then at hand, NaN at the end. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.#text.charCodeAt(++this.#at)
    return code
  }

  #value(): JsonValue {
    switch (this.#next()) {
      case OPEN_BRACE:
        return this.#object()
      case OPEN_BRACKET:
        return this.#array()
      case QUOTE:
        return this.#string()
      case 0x74: // t
        return this.#word('true', true)
      case 0x66: // f
        return this.#word('false', false)
      case 0x6e: // n
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(): JsonObject {
    this.#enter()
    const object = new Bare()
    if (this.#next() === CLOSE_BRACE) return this.#leave(object)
    for (;;) {
      this.#count()
      if (this.#next() !== QUOTE) this.#refuse('malformed')
      const name = this.#string()
      if (name in object) this.#refuse('duplicate_member')
      if (this.#next() !== COLON) this.#refuse('malformed')
      this.#at++
      object[name] = this.#value()
      const code = this.#next()
      if (code === CLOSE_BRACE) return this.#leave(object)
      if (code !== COMMA) this.#refuse('malformed')
      this.#at++
    }
  }

  #array(): JsonValue[] {
    this.#enter()
    const array: JsonValue[] = []
    if (this.#next() === CLOSE_BRACKET) return this.#leave(array)
    for (;;) {
      this.#count()
      array.push(this.#value())
      const code = this.#next()
      if (code === CLOSE_BRACKET) return this.#leave(array)
      if (code !== COMMA) this.#refuse('malformed')
      this.#at++
    }
  }

  #string(): string {
    const text = this.#text
    const start = this.#at
    let at = start + 1
    let escaped = false
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) break
      // Control characters must be escaped (RFC 8259 §7); NaN is the end of the text.
      if (!(code >= 0x20)) this.#refuse('malformed')
      if (code === BACKSLASH) {
        escaped = true
        at++
        if (!(text.charCodeAt(at) >= 0x20)) this.#refuse('malformed')
      }
      at++
    }
    this.#at = at + 1
    return escaped ? this.#unescape(text.slice(start, at + 1)) : text.slice(start + 1, at)
  }

  #unescape(quoted: string): string {
    let value: string
    try {
      value = JSON.parse(quoted)
    } catch {
      return this.#refuse('malformed')
    }
    // The text is well formed, but two escapes can still spell half a pair.
    return value.isWellFormed() ? value : this.#refuse('malformed')
  }

  #number(): number {
    return this.#shortWhole() ?? this.#anyNumber()
  }

  /** Nearly every number in a token is a time: it takes no grammar to read up to 15 digits with nothing after them. */
  #shortWhole(): number | undefined {
    const text = this.#text
    let at = this.#at
    let code = text.charCodeAt(at)
    if (!(code >= 0x31 && code <= 0x39)) return undefined
    let value = 0
    for (const end = at + 15; at < end && code >= 0x30 && code <= 0x39; code = text.charCodeAt(++at)) {
      value = value * 10 + (code - 0x30)
    }
    const goesOn = (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x65 || code === 0x45
    if (goesOn) return undefined
    this.#at = at
    return value
  }

  #anyNumber(): number {
    NUMBER.lastIndex = this.#at
    if (!NUMBER.test(this.#text)) {
      NOT_A_NUMBER.lastIndex = this.#at
      return this.#refuse(NOT_A_NUMBER.test(this.#text) ? 'non_finite' : 'malformed')
    }
    const value = Number(this.#text.slice(this.#at, NUMBER.lastIndex))
    if (!Number.isFinite(value)) this.#refuse('non_finite')
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) this.#refuse('malformed')
    this.#at = NUMBER.lastIndex
    return value
  }

  #word<T extends boolean | null>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('malformed')
    this.#at += word.length
    return value
  }

  #enter(): void {
    if (++this.#depth > this.#maxDepth) this.#refuse('too_deep')
    this.#at++
  }

  #leave<T>(value: T): T {
    this.#depth--
    this.#at++
    return value
  }

  #count(): void {
    if (--this.#membersLeft < 0) this.#refuse('too_large')
  }

  // Says where, never what: the text may hold a secret.
  #refuse(code: CodeAtUse): never {
    return refuse(code, { detail: `At character ${this.#at}.` })
  }
}
