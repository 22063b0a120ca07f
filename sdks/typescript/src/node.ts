import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Expectation } from './middleware/expectation.ts'
import { guard } from './node/guard.ts'
import type { Permitted } from './verifier/verdict.ts'
import type { Verifier } from './verifier/verifier.ts'

export type { Expectation } from './middleware/expectation.ts'
export { loadKey, saveKey } from './node/key_file.ts'
export type { Permitted } from './verifier/verdict.ts'

/** A `node:http` listener that verifies each call and hands the verdict to the handler. */
export function protect(
  verifier: Verifier,
  needs: Expectation<IncomingMessage>,
  handler: (request: IncomingMessage, response: ServerResponse, call: Permitted) => void | Promise<void>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    guard(verifier, needs, request, response)
      .then((verdict) => (verdict === undefined ? undefined : handler(request, response, verdict)))
      .catch((error: unknown) => {
        // As an error thrown in a plain listener would: seen by the process, not by the caller.
        response.destroy()
        queueMicrotask(() => {
          throw error
        })
      })
  }
}
