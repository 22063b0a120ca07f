import { refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { Step, StoredFact } from '../store/port.ts'

export type Revocation = {
  /** What ends: an id with its prefix, or `task:<task>`. */
  id: string
  cause: string
  /** Who ends it, as the audit record names it. */
  by: string
  /** How long to wait for enforcement points to acknowledge, at most 10 s. Default: not at all. */
  waitMs?: number
  /** For good, although its kind may usually come back. */
  final?: boolean
  /** Of a token, when it is known. */
  expiresAtMs?: number
  /** Rows that change with it (an agent's status). */
  steps?: readonly Step[]
  task?: string
  agent?: string
  traceId?: string
}

/** The three moments after which what was ended can no longer be used anywhere. Unix milliseconds. */
export type Revoked = {
  fact: StoredFact
  /** False when it had already ended: `fact` is the one in force. */
  fresh: boolean
  committedAtMs: number
  acknowledged: { points: number; of: number; byMs: number | null; all: boolean }
  /** No enforcement point, connected or cut off, goes by older knowledge after this. */
  leasesOverByMs: number
  lastTokenExpiredByMs: number
}

/** Ends something. Durable, and no longer minted from, when this returns. */
export async function revoke(
  _services: Services,
  _organization: Organization,
  _revocation: Revocation,
): Promise<Revoked> {
  return refuse('internal_error')
}

/** Brings back what was ended without being final; tokens from before stay dead. */
export async function restore(
  _services: Services,
  _organization: Organization,
  _restore: { id: string; by: string; steps?: readonly Step[]; traceId?: string },
): Promise<void> {
  refuse('internal_error')
}
