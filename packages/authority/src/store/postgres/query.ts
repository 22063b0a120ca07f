import type pg from 'pg'
import { type Fault, faultOf, isFull } from './fault.ts'

/** What PostgreSQL, or the way to it, answered instead of rows. Any other error in here is the command's own. */
export class QueryFailed extends Error {
  readonly fault: Fault

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'QueryFailed'
    this.fault = faultOf(cause)
  }
}

export async function query<R extends pg.QueryResultRow>(
  client: pg.ClientBase,
  what: string | pg.QueryConfig,
): Promise<pg.QueryResult<R>> {
  try {
    return await client.query<R>(what)
  } catch (error) {
    throw new QueryFailed(error)
  }
}

export function isFault(error: unknown, ...faults: readonly Fault[]): error is QueryFailed {
  return error instanceof QueryFailed && faults.includes(error.fault)
}

export function isFullDisk(error: unknown): boolean {
  return error instanceof QueryFailed && isFull(error.cause)
}
