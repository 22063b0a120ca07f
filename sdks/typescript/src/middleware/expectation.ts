import type { Expected, Needs } from '../verifier/expected.ts'

/**
 * What a route needs: always the same, or read from the request. That is read once the caller is known; when it throws, the call
 * is refused with 400.
 */
export type Expectation<Request> = Expected | ((request: Request) => Expected | Promise<Expected>)

export function needsOf<Request>(needs: Expectation<Request>, request: Request): Needs {
  return typeof needs === 'function' ? () => needs(request) : needs
}
