import { refuse } from '@credence/protocol'
import { addressOf } from './address.ts'
import type { Answer } from './answer.ts'
import type { Endpoint } from './endpoint.ts'
import type { HttpRequest } from './request.ts'
import { type Serving, serve } from './serve.ts'

/** Answers a request. Never throws. */
export type Router = (request: HttpRequest) => Promise<Answer>

/** What may follow in a path: a word of its own, or a parameter, or the end of it. */
type Place = { words: Map<string, Place>; parameter?: { name: string; place: Place }; rows: Map<string, Endpoint> }

type Found = { rows: ReadonlyMap<string, Endpoint>; params: Record<string, string> }

/**
 * Routes to the rows of the table and to nothing else: a path without a row is 404, another method 405. HEAD, which is a GET
 * whose body nobody sees, is for public documents only: anywhere else it would do the work, and nobody holds what it opens.
 *
 * Rows below an issuer are mounted at `/o/{organization}`, and, when an organization lives at the origin, there too.
 */
export function createRouter(
  serving: Serving,
  table: readonly Endpoint[],
  options: { organizationAtOrigin: boolean },
): Router {
  const first = newPlace()
  for (const row of table) {
    for (const { path, at } of mountsOf(row, options.organizationAtOrigin)) {
      placeAt(first, path).rows.set(row.method.toUpperCase(), { ...row, at })
    }
  }
  const { forwardedHops } = serving.services.config

  return async (request) => {
    const found = find(first, request.path)
    if (!found) return serve(serving, other(request))
    const endpoint = found.rows.get(request.method) ?? publicDocument(request, found.rows)
    if (!endpoint) return serve(serving, other(request, [...found.rows.keys()]))
    const { organization: handle, ...params } = found.params
    return serve(serving, { endpoint, request, address: addressOf(request, forwardedHops), handle, params })
  }
}

/** Where a row is found. */
export function mountsOf(
  row: Endpoint,
  organizationAtOrigin: boolean,
): Array<{ path: string; at: 'issuer' | 'origin' }> {
  if (row.at === 'origin') return [{ path: row.path, at: 'origin' }]
  const mounts = [`/o/{organization}${row.path}`]
  if (organizationAtOrigin) mounts.push(row.path)
  return mounts.map((mount) => ({ path: mount, at: 'issuer' }))
}

function newPlace(): Place {
  return { words: new Map(), rows: new Map() }
}

function placeAt(first: Place, path: string): Place {
  return path
    .split('/')
    .slice(1)
    .reduce((place, part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1]
      if (name === undefined) {
        const next = place.words.get(part) ?? newPlace()
        place.words.set(part, next)
        return next
      }
      place.parameter ??= { name, place: newPlace() }
      if (place.parameter.name !== name) throw new Error(`${path}: a parameter has two names`)
      return place.parameter.place
    }, first)
}

/** A word is matched as it is spelled, and goes before a parameter; a parameter is what stands between two slashes, unescaped. */
function find(first: Place, path: string): Found | undefined {
  const params: Record<string, string> = {}
  let place = first
  const parts = path.split('/')
  for (let at = 1; at < parts.length; at++) {
    const part = parts[at] as string
    const next = place.words.get(part)
    if (next) {
      place = next
      continue
    }
    const value = place.parameter && unescaped(part)
    if (!place.parameter || !value) return undefined
    params[place.parameter.name] = value
    place = place.parameter.place
  }
  return parts[0] === '' && place.rows.size > 0 ? { rows: place.rows, params } : undefined
}

/** Undefined for what is no value: an escape that is broken, and what something in front of the authority would resolve. */
function unescaped(part: string): string | undefined {
  try {
    const value = decodeURIComponent(part)
    return value === '.' || value === '..' ? undefined : value
  } catch {
    return undefined
  }
}

function publicDocument({ method }: HttpRequest, rows: Found['rows']): Endpoint | undefined {
  const row = method === 'HEAD' ? rows.get('GET') : undefined
  return row?.door === 'public' ? row : undefined
}

/** What happens to a request that no row is for. Its path is not logged: anything may stand in it. */
function other(request: HttpRequest, allowed?: string[]): Parameters<typeof serve>[1] {
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
