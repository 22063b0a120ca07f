import { api } from './refusals/api.ts'
import { atUse, Refusal } from './refusals/at_use.ts'
import { clientAuthentication } from './refusals/client_authentication.ts'
import { operation } from './refusals/operation.ts'
import type { RefusalRow } from './refusals/row.ts'
import { tokenEndpoint } from './refusals/token_endpoint.ts'

export type { CodeAtUse } from './refusals/at_use.ts'
export { asRefusal, isRefusal, problemOf, Refusal, refuseAtUse } from './refusals/at_use.ts'
export type { RefusalRow }

type Table = typeof atUse & typeof clientAuthentication & typeof tokenEndpoint & typeof api & typeof operation

/** The closed error table: every code the product can answer, by section in `refusals/`. */
export const refusals: Readonly<Table> = Object.freeze({
  ...atUse,
  ...clientAuthentication,
  ...tokenEndpoint,
  ...api,
  ...operation,
})

export type RefusalCode = keyof Table

/**
 * The refusal of this code, to be thrown or handed on.
 *
 * @param more.detail public: names what is wrong, never repeats input and never holds a secret
 * @param more.cause private
 */
export function refusalOf(code: RefusalCode, more: { detail?: string; cause?: unknown } = {}): Refusal {
  return new Refusal(code, more, refusals[code])
}

/** Throws `refusalOf(code, more)`. */
export function refuse(code: RefusalCode, more?: { detail?: string; cause?: unknown }): never {
  throw refusalOf(code, more)
}
