import { type IdPrefix, isId, isScope, type JsonObject } from '@credence/protocol'
import { z } from 'zod'

// The forms that several endpoints take or answer. Sizes are bounded, so that no record can grow without end.

/** Text for people to read; never control characters, which could fool a terminal. */
export const shortText: z.ZodString = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u)

export const longText: z.ZodString = z
  .string()
  .min(1)
  .max(2_000)
  .regex(/^(?:[^\p{Cc}\u2028\u2029]|\n)*$/u)

export const version: z.ZodString = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/)

/** Whether it is one, and not taken, is a refusal of its own. */
export const handle: z.ZodString = z.string().min(1).max(63)

export function id(prefix: IdPrefix): z.ZodString {
  return z.string().refine((text) => isId(text, prefix), `must be an id that begins with ${prefix}_`) as z.ZodString
}

/** An agent in a path: by its id or its handle. */
export const agentParams: z.ZodObject<{ id: z.ZodString }> = z.strictObject({ id: z.string().min(1).max(63) })

const scope = z.string().max(256).refine(isScope, 'must be a scope')

export const scopes: z.ZodArray<z.ZodString> = z
  .array(scope)
  .max(64)
  .refine((list) => new Set(list).size === list.length, 'must name every scope once')

/** Several scopes in one text, separated by spaces. */
export const scopeText: z.ZodString = z
  .string()
  .max(4_096)
  .refine(
    (text) => text !== '' && text.split(' ').every(isScope),
    'must be scopes, separated by single spaces',
  ) as z.ZodString

export const permission = z.strictObject({
  resource: z.string().min(1).max(512).describe('The audience of the resource.'),
  scope: scopeText.describe(
    'What may be done there, separated by spaces; a final `*` segment covers everything below.',
  ),
})

export const permissions = z.array(permission).max(100)

/** Which members it must have depends on its type, so the key itself is checked where it is imported. */
export const jwk: z.ZodType<JsonObject, JsonObject> = z.record(z.string(), z.any()) as z.ZodType<JsonObject, JsonObject>

/** A number in a query, as people write one: what else JavaScript reads as a number, nothing at all included, is none. */
export function inQuery<Schema extends z.ZodType>(number: Schema): z.ZodPreprocess<Schema> {
  return z.preprocess((text) => (typeof text === 'string' && written.test(text) ? Number(text) : text), number)
}

const written = /^(?:0|-?[1-9]\d{0,15})$/

/** Unix seconds. */
export const seconds: z.ZodNumber = z.number().int().min(0).max(32_503_680_000)

export const listed = <Item extends z.ZodType>(
  items: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; next_cursor: z.ZodOptional<z.ZodString> }> =>
  z.object({ items: z.array(items), next_cursor: z.string().optional() })
