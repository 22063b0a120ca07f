// What may be wrong with a request's members: made from the schema that declares them.

import { z } from 'zod'
import { loosely } from './fitting.ts'

type Json = Record<string, unknown>
type Declared = {
  type?: string
  properties?: Record<string, Declared>
  items?: Declared
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  enum?: unknown[]
  anyOf?: Declared[]
}

/** A body that differs in one thing from one that is taken. `text`: as it is sent. */
export type Variant = { what: string; text: string }

/** Names that nobody declared: what others take for who calls, for what is decided, and for the insides of an object. */
export const unknownNames = [
  ...['userId', 'user_id', 'tenantId', 'tenant', 'organization', 'org', 'issuer', 'by', 'caller', 'actor'],
  ...['role', 'admin', 'is_admin', 'approved', 'status', 'alive', 'final', 'epoch', 'seq', 'incarnation'],
  ...['ended_at_ms', 'suspended_at_ms', 'secret_hash', 'secret', 'sealed', 'lineage', 'evidence', 'act', 'builtin'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'length', ''],
  // A letter of another alphabet, an invisible one, another case.
  ...['n\u0430me', 'i\u200bd', 'NAME', 'ID', 'name ', ' name', 'id\u0000'],
]

const insides: unknown[] = ['adm_AAAAAAAAAAAAAAAAAAAAAA', true, { approved: true }, null]

/** Each unknown member, at the top and inside whatever is an object there. */
export function withUnknown(body: Json): Variant[] {
  const variants: Variant[] = []
  for (const [n, name] of unknownNames.entries()) {
    if (Object.hasOwn(body, name)) continue
    const member = `${JSON.stringify(name)}:${JSON.stringify(insides[n % insides.length])}`
    variants.push({ what: `unknown ${JSON.stringify(name)}`, text: spliced(body, member) })
  }
  for (const [name, value] of Object.entries(body)) {
    const [inner, wrap] = Array.isArray(value)
      ? [value[0], (text: string) => `[${text}]`]
      : [value, (text: string) => text]
    // A key says itself what belongs to it; a constraint is what its type makes of it.
    if (typeof inner !== 'object' || inner === null || /^(?:jwk|constraints)$/.test(name)) continue
    const { [name]: _, ...others } = body
    const nested = `${JSON.stringify(name)}:${wrap(spliced(inner as Json, '"__proto__":{"approved":true}'))}`
    variants.push({ what: `unknown inside ${name}`, text: spliced(others, nested) })
  }
  return variants
}

/** Each member twice: which of them counts, two readers would not agree. */
export function withRepeated(body: Json): Variant[] {
  return Object.entries(body).map(([name, value]) => {
    const written = JSON.stringify(name)
    const escaped = `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`
    const again = name.length % 2 === 0 ? written : escaped
    return { what: `${name} twice`, text: spliced(body, `${again}:${JSON.stringify(value)}`) }
  })
}

const oddities: Array<[what: string, text: string]> = [
  ['null', 'null'],
  ['empty text', '""'],
  ['long text', `"${'a'.repeat(40_000)}"`],
  ['NUL', '"a\\u0000b"'],
  ['a line break', '"a\\r\\nb"'],
  ['an escape sequence', '"\\u001b[2Jx"'],
  ['text that turns around', '"a\\u202eb"'],
  ['spaces', '"   "'],
  ['a path', '"../../etc/passwd"'],
  ['a statement', '"\' OR 1=1 --"'],
  ['many letters of many bytes', `"${'\\ud83d\\ude00'.repeat(150)}"`],
  ['a number', '7'],
  ['a negative number', '-1'],
  ['a fraction', '0.5'],
  ['a number beyond exactness', '9007199254740993'],
  ['a number too large', '1e308'],
  ['minus nothing', '-0'],
  ['true', 'true'],
  ['a list', '[]'],
  ['a list of lists', '[[[]]]'],
  ['a long list', `[${Array.from({ length: 2_000 }, (_, n) => n).join(',')}]`],
  ['a list with a hole', '[null]'],
  ['an object', '{}'],
  ['an object like a text', '{"length":3,"0":"a","toString":"x"}'],
  ['a prototype', '{"__proto__":{"approved":true}}'],
  ['a deep object', `${'{"a":'.repeat(12)}1${'}'.repeat(12)}`],
]

/** Each member of the schema as each of what it could be mistaken for. */
export function withOddities(schema: z.ZodObject, body: Json): Variant[] {
  return Object.keys(schema.shape).flatMap((name) =>
    oddities.map(([what, text]) => ({ what: `${name}: ${what}`, text: replaced(body, name, text) })),
  )
}

/** Each member just within and just beyond each limit that is declared for it. */
export function atLimits(schema: z.ZodObject, body: Json): { within: Variant[]; beyond: Variant[] } {
  const { properties = {} } = z.toJSONSchema(schema, loosely) as Declared
  const variants = { within: [] as Variant[], beyond: [] as Variant[] }
  for (const [name, declared] of Object.entries(properties)) {
    for (const [place, what, value] of limitsOf(declared, body[name])) {
      const text = replaced(body, name, JSON.stringify(value))
      variants[place].push({ what: `${name}: ${what}`, text })
    }
  }
  return variants
}

function* limitsOf(declared: Declared, valid: unknown): Generator<['within' | 'beyond', string, unknown]> {
  const { type, minLength, maxLength, minimum, maximum, maxItems, items } = declared
  if (type === 'string' && maxLength !== undefined) {
    yield ['within', `${maxLength} letters`, 'a'.repeat(maxLength)]
    yield ['beyond', `${maxLength + 1} letters`, 'a'.repeat(maxLength + 1)]
  }
  if (type === 'string' && minLength !== undefined) yield ['beyond', 'no letter', '']
  if (type === 'integer' || type === 'number') {
    if (minimum !== undefined) yield ['within', `${minimum}`, minimum]
    if (minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER) yield ['beyond', `${minimum - 1}`, minimum - 1]
    if (maximum !== undefined) yield ['within', `${maximum}`, maximum]
    if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) yield ['beyond', `${maximum + 1}`, maximum + 1]
  }
  if (type === 'array' && maxItems !== undefined) {
    const [one] = Array.isArray(valid) && valid.length > 0 ? valid : [items?.type === 'string' ? 'a' : {}]
    const many = (length: number) =>
      Array.from({ length }, (_, n) => (typeof one === 'string' && n > 0 ? `${one}${n}` : one))
    yield ['within', `${maxItems} items`, many(maxItems)]
    yield ['beyond', `${maxItems + 1} items`, many(maxItems + 1)]
  }
  for (const inner of declared.anyOf ?? []) yield* limitsOf(inner, valid)
}

/** The body with one more member, written as it is. */
function spliced(body: Json, member: string): string {
  const text = JSON.stringify(body)
  return text === '{}' ? `{${member}}` : `${text.slice(0, -1)},${member}}`
}

function replaced(body: Json, name: string, value: string): string {
  const { [name]: _, ...others } = body
  return spliced(others, `${JSON.stringify(name)}:${value}`)
}
