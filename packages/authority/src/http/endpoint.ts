import type { AccessTokenClaims, Lineage } from '@credence/protocol'
import type { z } from 'zod'
import type { Organization, Services } from '../services.ts'
import type { Answer } from './answer.ts'
import type { HttpRequest } from './request.ts'

/**
 * How the caller of an endpoint is known.
 * - `public`: it is not.
 * - `client`: OAuth client authentication, done by the endpoint itself.
 * - `administrator`: bearer administrator secret of this organization.
 * - `installation`: bearer secret of an administrator of the whole installation.
 * - `agent`: access token for the authority's own API (`aud` = `<issuer>/v1`) with the endpoint's scope. Administrators of this
 *   organization may call these too.
 */
export type Door = 'public' | 'client' | 'administrator' | 'installation' | 'agent'

/**
 * What fills up on its own, so that no flood delays the kill switch.
 * - `revocation`: what administrators end. It is entered only once they are known, and each organization has a share of it.
 * - `withdrawal`: what agents and clients end themselves.
 * - `feed`: enforcement points, which may all come back at once.
 * - `acknowledgements`: of what the feed told, which all come at once too, and of all this can wait best.
 * - `none`: what is so little that it is never shed.
 */
export type Room = 'ordinary' | 'feed' | 'acknowledgements' | 'withdrawal' | 'revocation' | 'none'

/** One row of the table in `app.ts`. */
export type Endpoint = {
  method: 'get' | 'post' | 'patch' | 'put' | 'delete'
  /** Below the issuer, or below the origin when `at` says so: `/v1/agents/{id}`. */
  path: string
  /** Default: `issuer`. */
  at?: 'issuer' | 'origin'
  door: Door
  /** For door `agent`: the scope its token must carry. */
  scope?: string
  /** How refusals are written. Default: `problem` (RFC 9457); `oauth` is RFC 6749 §5.2. */
  refusals?: 'problem' | 'oauth'
  /** Where it is counted; each room sheds by itself. Default: `ordinary`. */
  room?: Room
  summary: string
  tag: string
  /** A value that does not fit is a thing that does not exist: 404. */
  params?: z.ZodObject
  /** Refused: repeated and unknown parameters, unless the schema is loose. */
  query?: z.ZodObject
  /** Of a form: every member is a string, and empty ones are absent (RFC 6749 §3.2). */
  body?: z.ZodObject
  /** Default: `json`. */
  bodyType?: 'json' | 'form'
  answers: Record<number, { description: string; schema?: z.ZodType; type?: string }>
  handle(services: Services, call: Call): Promise<Answer>
}

export type Call<Params = unknown, Query = unknown, Body = unknown> = {
  endpoint: Endpoint
  /** At the origin, where there is none: a stand-in with the id of the installation. */
  organization: Organization
  request: HttpRequest
  /** Issuer + path as the caller knows it, from the stored issuer, never from `Host`: what a proof must name. */
  url: string
  params: Params
  query: Query
  body: Body
  /** Undefined at the doors `public` and `client`. */
  caller: Caller | undefined
  /** W3C trace id, 32 hex digits. */
  traceId: string
  /** Gives the place in the room back: what follows only waits, and must be bounded by itself. */
  leave(): void
  /** By lower-case name: headers that go out with whatever is answered, a refusal included (`dpop-nonce`, `allow`). */
  answerHeaders: Map<string, string>
}

export type Caller =
  | { kind: 'administrator'; id: string }
  | { kind: 'installation'; id: string }
  /** `lineage`: all that its token rests on, itself and its signing key included. */
  | { kind: 'agent'; id: string; claims: AccessTokenClaims; lineage: Lineage }

type Read<Schema> = Schema extends z.ZodObject ? z.output<Schema> : undefined

type Definition<P, Q, B> = Omit<Endpoint, 'params' | 'query' | 'body' | 'handle'> & {
  params?: P
  query?: Q
  body?: B
  handle(services: Services, call: Call<Read<P>, Read<Q>, Read<B>>): Promise<Answer>
}

/** Types `call.params`, `call.query` and `call.body` of a handler by its schemas. */
export function endpoint<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodObject | undefined = undefined,
>(definition: Definition<P, Q, B>): Endpoint {
  // `serve.ts` fills each from exactly the schema declared here.
  return definition as unknown as Endpoint
}

/** Who acts, as audit records name it. */
export function actorOf(call: { caller: Caller | undefined }): string {
  if (call.caller === undefined) throw new Error('an endpoint without a caller asked who acts')
  return call.caller.id
}
