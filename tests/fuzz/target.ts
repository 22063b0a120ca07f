import { strict as assert } from 'node:assert'
import { isRefusal, type JsonValue, parseJson, problemOf, refusals } from '@credence/protocol'

/** How an input is put together: says which mutations keep it near to something that is read. */
export type Form =
  | 'bytes'
  | 'text'
  | 'json'
  /** Lines, each of them JSON. */
  | 'lines'
  /** `name=value&…` */
  | 'pairs'
  /** Parts of base64url with dots between. */
  | 'compact'

/** One parser and what must hold of it for every input. */
export type Target = {
  name: string
  form: Form
  /** What it is known to take, to begin with. */
  seeds: readonly string[]
  /** Files below the root whose words inputs are made of. */
  sources: readonly string[]
  /** Further such words. */
  words?: readonly string[]
  /** Longest input, in bytes. Default 4096. */
  maxBytes?: number
  /** What `npm test` runs of it, as a part of the usual number. Default 1. */
  share?: number
  /**
   * Reads one input and says how that ended: `accepted` or a refusal, as a label of its own for each. Throws when something does
   * not hold that always must.
   */
  check(input: Uint8Array): string | Promise<string>
}

/** A text that inputs are full of, and that nothing public may repeat. */
export const canary = 'c4n4ryT0k3n'

const decoder = new TextDecoder()

/** What is not UTF-8 becomes U+FFFD: for readers of text, which never see bytes. */
export function textOf(input: Uint8Array): string {
  return decoder.decode(input)
}

/** The lines of an input as the JSON they hold; undefined what is none that anything here would read. */
export function valuesOf(input: Uint8Array): Array<JsonValue | undefined> {
  return textOf(input)
    .split('\n')
    .map((line) => readNow(() => parseJson(line)).value)
}

/** Runs a reader: what it returned, or the label of its refusal. Every other error goes on, and is a finding. */
export async function read<T>(
  reader: () => T | Promise<T>,
  may: { show?: boolean } = {},
): Promise<{ value: T; refused?: undefined } | { refused: string; value?: undefined }> {
  try {
    return { value: await reader() }
  } catch (error) {
    return { refused: labelOf(error, may) }
  }
}

/** As `read`, for a reader that answers at once. */
export function readNow<T>(
  reader: () => T,
  may: { show?: boolean } = {},
): { value: T; refused?: undefined } | { refused: string; value?: undefined } {
  try {
    return { value: reader() }
  } catch (error) {
    return { refused: labelOf(error, may) }
  }
}

function labelOf(error: unknown, { show = false }: { show?: boolean }): string {
  if (!isRefusal(error)) throw error
  const { code, message, detail = '' } = error
  assert.ok(Object.hasOwn(refusals, code), `a code that is not in the table: ${code}`)
  assert.notEqual(code, 'internal_error', String((error.cause as Error | undefined)?.stack ?? ''))
  assert.equal(message, refusals[code].says)
  assert.ok(detail.length <= 1_024, `a detail of ${detail.length} characters`)
  assert.ok(JSON.stringify(problemOf(error)).length <= 4_096)
  if (!show) assert.ok(!detail.includes(canary), `a detail repeats what was sent: ${detail}`)
  return `${code} ${detail.replaceAll(/\d+/g, '#')}`
}

/** The same JSON, whatever the prototypes. */
export function sameJson(one: unknown, other: unknown): void {
  assert.equal(JSON.stringify(one), JSON.stringify(other))
}
