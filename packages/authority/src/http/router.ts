import { refuse } from '@credence/protocol'
import { Hono } from 'hono'
import { addressOf } from './address.ts'
import type { Endpoint } from './endpoint.ts'
import { type Serving, serve } from './serve.ts'

/** Answers a request that came in over a connection from this address. */
export type Router = (request: Request, connection: string | undefined) => Promise<Response>

type Environment = { Bindings: { connection: string | undefined } }

/**
 * Routes to the rows of the table and to nothing else: a path without a row is 404, another method 405. HEAD, which the router
 * serves as a GET whose body it drops, is for public documents only: anywhere else it would do the work, and nobody holds what
 * it opens.
 *
 * Rows below an issuer are mounted at `/o/<handle>`, and, when an organization lives at the origin, there too.
 */
export function createRouter(
  serving: Serving,
  table: readonly Endpoint[],
  options: { organizationAtOrigin: boolean },
): Router {
  const app = new Hono<Environment>()
  const methods = new Map<string, string[]>()
  const { forwardedHops } = serving.services.config

  for (const row of table) {
    for (const { path, at } of mountsOf(row, options.organizationAtOrigin)) {
      const endpoint: Endpoint = { ...row, at }
      methods.set(path, [...(methods.get(path) ?? []), row.method.toUpperCase()])
      app.on(row.method.toUpperCase(), path, async (context) => {
        const { organization: handle, ...params } = context.req.param() as Record<string, string>
        const request = context.req.raw
        const isHead = request.method === 'HEAD'
        if (isHead && row.door !== 'public') return serve(serving, other(request, methods.get(path)))
        const address = addressOf(request, context.env.connection, forwardedHops)
        const response = await serve(serving, { endpoint, request, address, handle, params })
        if (isHead) await response.body?.cancel()
        return response
      })
    }
  }
  for (const [path, allowed] of methods) app.all(path, (context) => serve(serving, other(context.req.raw, allowed)))
  app.notFound((context) => serve(serving, other(context.req.raw)))
  return async (request, connection) => app.fetch(request, { connection })
}

/** Where a row is found, in the router's spelling. */
export function mountsOf(
  row: Endpoint,
  organizationAtOrigin: boolean,
): Array<{ path: string; at: 'issuer' | 'origin' }> {
  const path = row.path.replaceAll(/\{(\w+)\}/g, ':$1')
  if (row.at === 'origin') return [{ path, at: 'origin' }]
  const mounts = [`/o/:organization${path}`]
  if (organizationAtOrigin) mounts.push(path)
  return mounts.map((mount) => ({ path: mount, at: 'issuer' }))
}

/** What happens to a request that no row is for. Its path is not logged: anything may stand in it. */
function other(request: Request, allowed?: string[]): Parameters<typeof serve>[1] {
  const endpoint: Endpoint = {
    method: 'get',
    path: allowed ? '(another method)' : '(no such path)',
    at: 'origin',
    door: 'public',
    summary: '',
    tag: '',
    answers: {},
    handle: async (_services, call) => {
      if (!allowed) refuse('not_found')
      call.answerHeaders.set('allow', allowed.join(', '))
      return refuse('method_not_allowed')
    },
  }
  return { endpoint, request, address: 'unknown', handle: undefined, params: {} }
}
