/** Closed shapes: which members a JSON object must have and may have, and what each must look like. */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { type CodeAtUse, isRefusal, refuseAtUse as refuse } from './refusals/at_use.ts'

export type Check = (value: JsonValue) => boolean

export type Shape = {
  readonly required: Readonly<Record<string, Check>>
  readonly optional?: Readonly<Record<string, Check>>
}

/**
 * Refuses with `code` unless `value` is an object with every required member, no member beyond the optional ones, and each as its
 * check wants it. The refusal names the place and the member asked for, never what was sent.
 */
export function checkShape(value: JsonValue | undefined, shape: Shape, code: CodeAtUse, place: string): JsonObject {
  if (!isJsonObject(value)) refuse(code, { detail: `${place}: not an object` })
  for (const member of Object.keys(shape.required)) {
    const given = Object.hasOwn(value, member) ? value[member] : undefined
    if (given === undefined) refuse(code, { detail: `${place}.${member}: missing` })
    if (!shape.required[member]?.(given)) refuse(code, { detail: `${place}.${member}: not valid` })
  }
  for (const member of Object.keys(value)) {
    if (Object.hasOwn(shape.required, member)) continue
    const check = shape.optional && Object.hasOwn(shape.optional, member) ? shape.optional[member] : undefined
    if (!check) refuse(code, { detail: `${place}: a member that is not defined` })
    if (!check(value[member] as JsonValue)) refuse(code, { detail: `${place}.${member}: not valid` })
  }
  return value
}

/** A whole number from `least` to `most` (2^53 - 1 when absent). */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Check {
  return (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

/** A NumericDate (RFC 7519 §2) as it is written here: whole seconds since 1970. */
export function isTime(value: JsonValue | undefined): value is number {
  return value !== undefined && whole(0)(value)
}

export function text(isValid: (text: string) => boolean): Check {
  return (value) => typeof value === 'string' && isValid(value)
}

export function matching(pattern: RegExp): Check {
  return text((value) => pattern.test(value))
}

export function oneOf(...values: readonly string[]): Check {
  return text((value) => values.includes(value))
}

/** A SHA-256 hash as base64url. Its last letter carries two bits that are always zero. */
export const sha256Text: Check = matching(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/)

/** An array of `least` to `most` values, all different, each as `check` wants it. */
export function listOf(check: Check, least: number, most: number): Check {
  return (value) =>
    isJsonArray(value) &&
    value.length >= least &&
    value.length <= most &&
    value.every(check) &&
    new Set(value).size === value.length
}

/** Whether `read` returns instead of refusing: a reader of one value as the check of a member. Other errors go on. */
export function isReadable(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}
