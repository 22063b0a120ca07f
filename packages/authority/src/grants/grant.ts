import { type Constraint, isTask, type Lineage, refuse } from '@credence/protocol'
import type { Client } from '../authentication/index.ts'
import type { RegisteredChain } from '../delegations/index.ts'
import type { Resource } from '../resources/index.ts'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'

/** The parameters of a token request (RFC 6749 §4.4, RFC 8693 §2.1, RFC 8707), and `task` and `session`, ours. */
export type TokenForm = {
  grant_type?: string | undefined
  resource?: string | undefined
  audience?: string | undefined
  scope?: string | undefined
  task?: string | undefined
  session?: string | undefined
  subject_token?: string | undefined
  subject_token_type?: string | undefined
  actor_token?: string | undefined
  actor_token_type?: string | undefined
  requested_token_type?: string | undefined
}

export type TokenRequest = {
  organization: Organization
  client: Client
  resource: Resource
  form: TokenForm
  /** The scopes asked for; undefined: all that is allowed. */
  requested: readonly string[] | undefined
  /** What bounds all that this client obtains, here and onward, whoever it acts for. */
  own: ReadonlyArray<readonly string[]>
}

/** The authority a grant has found to draw on. All of it is verified; nothing is copied from the request. */
export type Drawn = {
  /** The principal. */
  sub: string
  /** From the principal to the client; absent when the client acts for itself. */
  chain?: RegisteredChain
  /** Each narrows what the token may carry. */
  ceilings: ReadonlyArray<readonly string[]>
  /** Already narrowed scopes that the resource's operator may go on with, elsewhere. */
  beyond: readonly string[]
  constraints: readonly Constraint[]
  /** Unix seconds; Infinity when nothing drawn on expires. */
  expiresAt: number
  lineage: Lineage
  task?: string
  session?: string
  /** What becomes durable with the token: statements seen for the first time. */
  steps: readonly Step[]
  /** Ids of those. */
  registered: readonly string[]
}

/** One grant type. */
export type Grant = {
  type: string
  /** Whether its answer names an `issued_token_type` (RFC 8693 §2.2.1). */
  exchanges: boolean
  draw(services: Services, request: TokenRequest): Promise<Drawn>
}

/**
 * The task and session of the token: those of the authority drawn on, and when it has none, those asked for. Refuses
 * `task_mismatch` when both are there and differ, or when two authorities drawn on disagree.
 */
export function taskAndSession(
  form: TokenForm,
  ...drawnOn: ReadonlyArray<{ task?: string | undefined; sid?: string | undefined }>
): { task?: string; session?: string } {
  const task = agreed([...drawnOn.map((one) => one.task), wellFormed(form.task)])
  const session = agreed([...drawnOn.map((one) => one.sid), wellFormed(form.session)])
  return { ...(task !== undefined && { task }), ...(session !== undefined && { session }) }
}

function agreed(values: ReadonlyArray<string | undefined>): string | undefined {
  const stated = new Set(values.filter((value) => value !== undefined))
  if (stated.size > 1) refuse('task_mismatch')
  return [...stated][0]
}

function wellFormed(value: string | undefined): string | undefined {
  if (value !== undefined && !isTask(value)) {
    refuse('invalid_request', { detail: 'task and session: 1 to 128 of A-Z a-z 0-9 . _ : -, a letter or digit first.' })
  }
  return value
}
