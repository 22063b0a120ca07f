// How what a signed object says is changed; it is signed again with the right key.

import { newId, type RefusalCode } from '@credence/protocol'
import { type Forgery, named, withPayload } from './forging.ts'

/** A claim, and what it is set to; a function makes that of what it was, and `undefined` leaves it out. */
export type Change = { [claim: string]: unknown }
export type Row = [flaw: RefusalCode, changes: Change[], but?: Forgery['but']]

// biome-ignore lint/suspicious/noExplicitAny: of any claim.
export type Was = any
export const now = () => Math.floor(Date.now() / 1000)
export const missing = undefined
export const each = (claim: string, values: readonly unknown[]): Change[] => values.map((value) => ({ [claim]: value }))

export const notText = [missing, null, 1, true, ['a'], { a: 'a' }, '']
/** `1.5`, and what is no number at all. */
export const notTime = [missing, null, '1', `${now()}`, (was: Was) => was + 0.5, -1, [1], true]

export const long = (was: Was) => Array.from({ length: 257 }, (_, at) => (was[at] ?? [newId('tok'), 0]) as unknown)

/** One with these claims changed. */
export function changed(change: Change): Forgery['forge'] {
  return withPayload((payload) => {
    const made = Object.entries(change).map(([claim, value]) => [
      claim,
      typeof value === 'function' ? value(payload[claim]) : value,
    ])
    return { ...payload, ...Object.fromEntries(made) }
  })
}

export const nameOf = (change: Change) =>
  Object.entries(change)
    .map(([claim, value]) => `${claim} ${typeof value === 'function' ? `${value}`.slice(0, 60) : named(value)}`)
    .join(', ')
