import type { Bound, Row } from './statement.ts'

/** What a driver is asked to execute. `careless`: nothing depends on the answer, so that the next may be sent before it. */
export type Ask = Bound & { readonly rows: boolean; readonly careless: boolean }

/** `taken`: a unique key was, and the statement did nothing. To a careless ask that is an error instead. */
export type Answer = { rows: readonly Row[]; changes: number; taken?: boolean }

export type Asking<T> = Generator<Ask, T, Answer>

export function read(bound: Bound): Ask {
  return { statement: bound.statement, values: bound.values, rows: true, careless: false }
}

export function write(bound: Bound, careless = false): Ask {
  return { statement: bound.statement, values: bound.values, rows: false, careless }
}
