import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Expectation } from './middleware/expectation.ts'
import { guard } from './node/guard.ts'
import type { Permitted } from './verifier/verdict.ts'
import type { Verifier } from './verifier/verifier.ts'

export type { Expectation } from './middleware/expectation.ts'
export type { Permitted } from './verifier/verdict.ts'

const permitted = new WeakMap<object, Permitted>()

/** Verifies each call before its handler runs; there, `permittedOf(request)` says who calls, for whom, with what. */
export function protect<Request extends IncomingMessage>(
  verifier: Verifier,
  needs: Expectation<Request> = {},
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    guard(verifier, needs, request, response).then(
      (verdict) => {
        if (verdict === undefined) return
        permitted.set(request, verdict)
        next()
      },
      (error: unknown) => next(error),
    )
  }
}

/** The verdict on a request that `protect` let through; throws for any other, so that a forgotten `protect` cannot go unseen. */
export function permittedOf(request: object): Permitted {
  const verdict = permitted.get(request)
  if (verdict === undefined) throw new Error('this request has not passed `protect`')
  return verdict
}
