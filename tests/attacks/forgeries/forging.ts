// How a signed object is forged. Each forgery is signed again with the right key where that is possible, so that nothing is wrong with it
// but what its name says.

import { canonicalize, type JsonObject, type RefusalCode, type SigningKey } from '@credence/protocol'
import type { Door, Honest } from '../doors.ts'

export type Forgery = {
  name: string
  /** In the protocol's own words; where two are there, it depends on what was cut. */
  flaws: readonly RefusalCode[]
  /** Where a kind of thing has another flaw by it; null: none, there it is no forgery. */
  but?: Partial<Record<Door['kind'], RefusalCode | null>>
  forge(honest: Honest): Promise<string> | string
}

const text = (part: string) => Buffer.from(part, 'base64url').toString()
export const part = (value: string | Uint8Array) => Buffer.from(value).toString('base64url')
export const bytes = (value: string) => new Uint8Array(Buffer.from(value))

/** The three parts; header and payload as they read. */
export function opened(compact: string): {
  header: JsonObject
  payload: JsonObject
  headerText: string
  payloadText: string
  signature: string
} {
  const [header = '', payload = '', signature = ''] = compact.split('.')
  const [headerText, payloadText] = [text(header), text(payload)]
  return { header: JSON.parse(headerText), payload: JSON.parse(payloadText), headerText, payloadText, signature }
}

/** Signs whatever header and payload read, with the right key. */
export async function signed(
  key: SigningKey,
  header: string | Uint8Array,
  payload: string | Uint8Array,
): Promise<string> {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${part(await key.sign(bytes(input)))}`
}

/** The honest object with another header, or payload, signed with the right key. */
export function withHeader(change: (header: JsonObject) => object): Forgery['forge'] {
  return ({ compact, key }) => {
    const { header, payloadText } = opened(compact)
    return signed(key, canonicalize(change(header) as JsonObject), payloadText)
  }
}

export function withPayload(change: (payload: JsonObject) => object): Forgery['forge'] {
  return ({ compact, key }) => {
    const { headerText, payload } = opened(compact)
    return signed(key, headerText, canonicalize(change(payload) as JsonObject))
  }
}

/** Texts that are not what `JSON.stringify` would write. */
export function withTexts(
  change: (of: { header: string; payload: string }) => { header?: string | Uint8Array; payload?: string | Uint8Array },
) {
  return ({ compact, key }: Honest) => {
    const { headerText: header, payloadText: payload } = opened(compact)
    const changed = change({ header, payload })
    return signed(key, changed.header ?? header, changed.payload ?? payload)
  }
}

/** An object with one more member, first of all. */
export const first = (object: string, member: string) => object.replace('{', `{${member},`)
export const named = (value: unknown) => JSON.stringify(value)?.slice(0, 40) ?? 'missing'
