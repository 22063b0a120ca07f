import { api } from './refusals/api.ts'
import { clientAuthentication } from './refusals/client_authentication.ts'
import { delegation } from './refusals/delegation.ts'
import { operation } from './refusals/operation.ts'
import { parsing } from './refusals/parsing.ts'
import { proofs } from './refusals/proofs.ts'
import type { RefusalRow } from './refusals/row.ts'
import { tokenEndpoint } from './refusals/token_endpoint.ts'
import { tokens } from './refusals/tokens.ts'
import { verification } from './refusals/verification.ts'

export type { RefusalRow }

type Table = typeof parsing &
  typeof tokens &
  typeof proofs &
  typeof clientAuthentication &
  typeof delegation &
  typeof tokenEndpoint &
  typeof verification &
  typeof api &
  typeof operation

/** The closed error table: every code the product can answer, by section in `refusals/`. */
export const refusals: Readonly<Table> = Object.freeze({
  ...parsing,
  ...tokens,
  ...proofs,
  ...clientAuthentication,
  ...delegation,
  ...tokenEndpoint,
  ...verification,
  ...api,
  ...operation,
})

export type RefusalCode = keyof Table

/**
 * The only error this product throws on purpose.
 *
 * `message` and `says` are the public sentence of its row; `detail` is public too and says which member or setting,
 * never its value; `cause` is private: for the log, never for the wire.
 */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly status: number
  readonly oauth: string
  readonly says: string
  readonly hint: string
  readonly detail?: string

  constructor(code: RefusalCode, more: { detail?: string; cause?: unknown } = {}) {
    const row: RefusalRow = refusals[code]
    super(row.says, 'cause' in more ? { cause: more.cause } : undefined)
    this.name = 'Refusal'
    this.code = code
    this.status = row.status
    this.oauth = row.oauth
    this.says = row.says
    this.hint = row.hint
    if (more.detail !== undefined) this.detail = more.detail
  }

  /** What may be shown to anybody; leaves the cause and the stack out. */
  toJSON(): { code: RefusalCode; status: number; says: string; hint: string; detail?: string } {
    const { code, status, says, hint, detail } = this
    return { code, status, says, hint, ...(detail !== undefined && { detail }) }
  }
}

/**
 * Throws the refusal of this code.
 *
 * @param more.detail public: names what is wrong, never repeats input and never holds a secret
 * @param more.cause private
 */
export function refuse(code: RefusalCode, more?: { detail?: string; cause?: unknown }): never {
  throw new Refusal(code, more)
}

export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Refusal
}

/** A refusal as it is; anything else becomes `internal_error` with the error as its private cause. */
export function asRefusal(error: unknown): Refusal {
  return isRefusal(error) ? error : new Refusal('internal_error', { cause: error })
}

/**
 * The problem document (RFC 9457) of a refusal, for whoever answers HTTP outside the OAuth endpoints. Nothing of the request and
 * nothing private is in it.
 *
 * @param status what is answered, where it is not the row's own.
 */
export function problemOf(
  refusal: Refusal,
  status: number = refusal.status,
): { type: string; title: string; status: number; detail?: string; code: RefusalCode; hint: string } {
  const { code, says, detail, hint } = refusal
  const type = `urn:credence:refusal:${code}`
  return { type, title: says, status, ...(detail !== undefined && { detail }), code, hint }
}
