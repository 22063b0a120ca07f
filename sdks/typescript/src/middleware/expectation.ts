import type { Expected } from '../verifier/expected.ts'

/** What a route needs: always the same, or read from the request (which must leave the body as it is). */
export type Expectation<Request> = Expected | ((request: Request) => Expected | Promise<Expected>)

export async function expectedOf<Request>(needs: Expectation<Request>, request: Request): Promise<Expected> {
  return typeof needs === 'function' ? needs(request) : needs
}
