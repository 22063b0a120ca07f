/**
 * What an error from PostgreSQL, or from the way to it, means:
 * - `retry`: it was undone because it met another; it may be tried again.
 * - `lost`: the connection is of no use any more, and what was under way may have been committed.
 * - `unavailable`: undone; the server cannot now.
 * - `taken`: a unique key was.
 * - `command`: the command's own fault.
 */
export type Fault = 'retry' | 'lost' | 'unavailable' | 'taken' | 'command'

const serializationFailure = '40001'
const deadlockDetected = '40P01'
const uniqueViolation = '23505'
const readOnlyTransaction = '25006'
const lockNotAvailable = '55P03'
const queryCanceled = '57014'
const diskFull = '53100'

/** Connection exceptions, operator intervention. */
const lost = new Set(['08', '57'])
/** Insufficient resources, system errors, internal errors. */
const unavailable = new Set(['53', '58', 'XX'])

/** The server's disk is. */
export function isFull(error: unknown): boolean {
  return sqlStateOf(error) === diskFull
}

export function faultOf(error: unknown): Fault {
  const state = sqlStateOf(error)
  if (state === undefined) return 'lost'
  if (state === serializationFailure || state === deadlockDetected || state === lockNotAvailable) return 'retry'
  if (state === uniqueViolation) return 'taken'
  if (state === readOnlyTransaction || state === queryCanceled) return 'unavailable'
  const family = state.slice(0, 2)
  if (lost.has(family)) return 'lost'
  return unavailable.has(family) ? 'unavailable' : 'command'
}

/** Undefined for errors that the server did not send: time-outs, resets, connections that ended. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}
