import type { RefusalCode } from '../refusals.ts'
import { anywhere } from './anywhere.ts'
import { delegation } from './delegation.ts'
import { parsing } from './parsing.ts'
import { proofs } from './proofs.ts'
import type { RefusalRow } from './row.ts'
import { tokens } from './tokens.ts'
import { verification } from './verification.ts'

/**
 * The part of the error table that the place where a token is used can need. It stands apart from the whole, so that a bundle that
 * only verifies leaves the rest behind; the types see to it that no code is thrown from here whose row is not here.
 */
export const atUse: Readonly<
  typeof anywhere & typeof parsing & typeof tokens & typeof proofs & typeof delegation & typeof verification
> = Object.freeze({
  ...anywhere,
  ...parsing,
  ...tokens,
  ...proofs,
  ...delegation,
  ...verification,
})

export type CodeAtUse = keyof typeof atUse

type More = { detail?: string; cause?: unknown; retryAfterSeconds?: number | undefined }

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
  /** When whoever refused, an authority, said that it may be tried again. */
  readonly retryAfterSeconds?: number

  constructor(code: CodeAtUse, more?: More)
  /** @param row that of the code, which `refusalOf` finds */
  constructor(code: RefusalCode, more: More, row: RefusalRow)
  constructor(code: RefusalCode, more: More = {}, row: RefusalRow = atUse[code as CodeAtUse]) {
    super(row.says, 'cause' in more ? { cause: more.cause } : undefined)
    this.name = 'Refusal'
    this.code = code
    this.status = row.status
    this.oauth = row.oauth
    this.says = row.says
    this.hint = row.hint
    if (more.detail !== undefined) this.detail = more.detail
    if (more.retryAfterSeconds !== undefined) this.retryAfterSeconds = more.retryAfterSeconds
  }

  /** What may be shown to anybody; leaves the cause and the stack out. */
  toJSON(): { code: RefusalCode; status: number; says: string; hint: string; detail?: string } {
    const { code, status, says, hint, detail } = this
    return { code, status, says, hint, ...(detail !== undefined && { detail }) }
  }
}

/** `refuse` for the codes of a place where tokens are used. */
export function refuseAtUse(code: CodeAtUse, more?: More): never {
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
