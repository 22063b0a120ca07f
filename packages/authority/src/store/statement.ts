/** A value as both engines take it. */
export type Value = string | number | Uint8Array | null

export type Row = Record<string, Value>

/** Where a bound value of a statement comes from. */
export class Slot {
  readonly from: 'organization' | 'row' | 'where' | 'set' | 'more'
  readonly name: string

  constructor(from: Slot['from'], name: string) {
    this.from = from
    this.name = name
  }
}

/** SQL that was compiled once. `name` is its own in this process; every value it takes is bound, never part of its text. */
export type Statement = { readonly name: string; readonly sql: string; readonly slots: readonly Slot[] }

/** The values of one execution, by where they go. */
export type Values = {
  organization?: string
  row?: Readonly<Record<string, unknown>>
  where?: Readonly<Record<string, unknown>>
  set?: Readonly<Record<string, unknown>>
  more?: Readonly<Record<string, unknown>>
}

/** One execution. */
export type Bound = { readonly statement: Statement; readonly values: Value[] }

export function bind(statement: Statement, from: Values): Bound {
  return { statement, values: valuesOf(statement, from) }
}

export function valuesOf(statement: Statement, from: Values): Value[] {
  const { slots } = statement
  const values = new Array<Value>(slots.length)
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as Slot
    values[i] = boundValue(slot.from === 'organization' ? from.organization : from[slot.from]?.[slot.name], slot)
  }
  return values
}

function boundValue(value: unknown, slot: Slot): Value {
  if (typeof value === 'string' || value === null || value instanceof Uint8Array) return value
  // An integer that a double holds exactly is one that both engines hold too.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new TypeError(`The store cannot bind ${typeof value} to ${slot.name}.`)
}

/** `values` padded to a power of two by repeating the last, so that lists of any length share a few statements. */
export function padded<T>(values: readonly T[]): T[] {
  const length = 2 ** Math.ceil(Math.log2(Math.max(values.length, 1)))
  const last = values.at(-1) as T
  return Array.from({ length }, (_, index) => (index < values.length ? (values[index] as T) : last))
}

export function* chunksOf<T>(values: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < values.length; from += size) yield values.slice(from, from + size)
}
