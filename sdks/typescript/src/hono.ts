import type { Context, MiddlewareHandler } from 'hono'
import { type Expectation, needsOf } from './middleware/expectation.ts'
import type { Permitted } from './verifier/verdict.ts'
import type { Verifier } from './verifier/verifier.ts'

export type { Expectation } from './middleware/expectation.ts'
export type { Permitted } from './verifier/verdict.ts'

/** Verifies each call before its handler runs; there, `c.var.credence` says who calls, for whom, with what. */
export function protect(
  verifier: Verifier,
  needs: Expectation<Context> = {},
): MiddlewareHandler<{ Variables: { credence: Permitted } }> {
  return async (c, next) => {
    const verdict = await verifier.verify(c.req.raw, needsOf(needs, c))
    if (!verdict.ok) return verdict.response()
    c.set('credence', verdict)
    return next()
  }
}
