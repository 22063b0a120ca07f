import { asRefusal, type Refusal, type RefusalCode, refuse } from '@credence/protocol'
import { installation, type Organization, type Services } from '../services.ts'
import { newSpanId, readTraceContext, type TraceContext, writeTraceparent } from '../telemetry/index.ts'
import type { Admission } from './admission.ts'
import { answerRefusal } from './answer.ts'
import { readFormBody, readJsonBody } from './body.ts'
import { challengeFor } from './challenge.ts'
import type { Call, Caller, Endpoint } from './endpoint.ts'
import type { FailureLimit } from './failure_limit.ts'
import { parseParameters } from './parameters.ts'
import { validate } from './validate.ts'

/** What serves every endpoint. */
export type Serving = {
  services: Services
  admission: Admission
  failures: FailureLimit
  /** The organization at `/o/<handle>`, or, without a handle, at the origin. */
  locate(handle: string | undefined): Promise<Organization | undefined>
  /** Says who calls, by the endpoint's door; refuses whoever may not pass. */
  enter(services: Services, call: Omit<Call, 'params' | 'query' | 'body'>): Promise<Caller | undefined>
}

/** One request at one row of the table. */
export type Arrival = {
  endpoint: Endpoint
  request: Request
  address: string
  /** Undefined at the origin. */
  handle: string | undefined
  /** As they stand in the path, decoded. */
  params: Record<string, string>
}

/** What became known of a request by the time it was answered. */
type Known = { organization?: Organization; caller?: Caller; spanId?: string; answerHeaders: Headers }

/** Answers a request. Never throws. */
export async function serve(serving: Serving, arrival: Arrival): Promise<Response> {
  const { services, failures } = serving
  const { endpoint, request, address } = arrival
  const begun = services.clock.monotonicMs()
  const trace = readTraceContext(request.headers)
  const route = `${endpoint.method.toUpperCase()} ${endpoint.path}`
  const known: Known = { answerHeaders: new Headers() }
  let refusal: Refusal | undefined
  let response: Response
  let leave: (() => void) | undefined
  try {
    leave = serving.admission.enter(endpoint)
    response = await services.telemetry.request(route, trace, { 'http.route': endpoint.path }, (spanId) => {
      known.spanId = spanId
      return handle(serving, arrival, trace, known)
    })
  } catch (error) {
    refusal = asRefusal(error)
    response = refused(refusal, arrival, known)
    // A missing nonce is part of a proof's first round, not a failure.
    if (refusal.status === 401 && refusal.code !== 'nonce_required') failures.failed(address)
    countAtDoor(services, endpoint, known, refusal.code)
  } finally {
    leave?.()
  }
  for (const [name, value] of known.answerHeaders) response.headers.set(name, value)
  response.headers.set('traceresponse', writeTraceparent(trace, known.spanId ?? newSpanId()))
  response.headers.set('x-content-type-options', 'nosniff')
  report(services, { route, begun, trace, known, refusal, status: response.status })
  return response
}

/** The checks every request passes, in order. */
async function handle(
  { services, failures, locate, enter }: Serving,
  { endpoint, request, address, handle, params }: Arrival,
  { traceId }: TraceContext,
  known: Known,
): Promise<Response> {
  const organization = await organizationOf(endpoint, handle, services, locate)
  known.organization = organization
  // Whoever must stop an agent, or hear that one was stopped, is not kept out by what else goes wrong at the same address.
  if (endpoint.door !== 'public' && (endpoint.room ?? 'ordinary') === 'ordinary') failures.check(address)
  const target = new URL(request.url)
  const { answerHeaders } = known
  const arrived = {
    endpoint,
    organization,
    request,
    url: `${new URL(organization.issuer).origin}${target.pathname}`,
    caller: undefined,
    traceId,
    answerHeaders,
  }
  const caller = await enter(services, arrived)
  if (caller) known.caller = caller
  const call: Call = {
    ...arrived,
    caller,
    params: endpoint.params && validate(endpoint.params, params, 'path', 'not_found'),
    query: readQuery(endpoint, target.search),
    body: await readBody(endpoint, request, services.config.bodyBytes),
  }
  return endpoint.handle(services, call)
}

async function organizationOf(
  endpoint: Endpoint,
  handle: string | undefined,
  { config }: Services,
  locate: Serving['locate'],
): Promise<Organization> {
  if (endpoint.at !== 'origin') return (await locate(handle)) ?? refuse('organization_unknown')
  return {
    id: installation,
    handle: '',
    issuer: config.origin,
    trustDomain: config.domain,
    displayName: '',
    signingAlgorithm: config.signingAlgorithm,
    createdAtMs: 0,
  }
}

function readQuery(endpoint: Endpoint, search: string): unknown {
  if (endpoint.query) return validate(endpoint.query, parseParameters(search.slice(1)), 'query')
  // Whoever may call without being known gets the same answer whatever stands behind the path.
  if (search.length > 1 && endpoint.door !== 'public') {
    refuse(endpoint.refusals === 'oauth' ? 'invalid_request' : 'validation_failed', {
      detail: 'No query is taken here.',
    })
  }
  return undefined
}

async function readBody(endpoint: Endpoint, request: Request, bytes: number): Promise<unknown> {
  const { body, bodyType } = endpoint
  if (!body) return undefined
  const otherwise: RefusalCode = endpoint.refusals === 'oauth' ? 'invalid_request' : 'validation_failed'
  if (bodyType === 'form') return validate(body, await readFormBody(request, { bytes }), 'body', otherwise)
  const empty = request.headers.get('content-type') === null && (request.headers.get('content-length') ?? '0') === '0'
  const sent = empty && !request.headers.has('transfer-encoding') ? {} : await readJsonBody(request, { bytes })
  return validate(body, sent, 'body', otherwise)
}

function refused(refusal: Refusal, { endpoint, request }: Arrival, known: Known): Response {
  const response = answerRefusal(refusal, endpoint.refusals ?? 'problem')
  const challenge = challengeFor(refusal, endpoint, request.headers.get('authorization'))
  if (challenge !== undefined && !known.answerHeaders.has('www-authenticate')) {
    response.headers.set('www-authenticate', challenge)
  }
  if (refusal.status === 503 || refusal.status === 429) {
    response.headers.set('retry-after', refusal.status === 429 ? '5' : '1')
  }
  return response
}

/** Refusals before the caller is known are counted (the endpoints of door `client` count their own). */
function countAtDoor(services: Services, endpoint: Endpoint, known: Known, code: RefusalCode): void {
  if (known.caller || !known.organization || endpoint.door === 'public' || endpoint.door === 'client') return
  services.refusals.count(known.organization.id, code)
}

function report(
  { log, telemetry, clock }: Services,
  end: {
    route: string
    begun: number
    trace: TraceContext
    known: Known
    refusal: Refusal | undefined
    status: number
  },
): void {
  const { route, refusal, status, trace, known } = end
  const ms = clock.monotonicMs() - end.begun
  const outcome = {
    'http.route': route,
    'http.response.status_code': status,
    ...(refusal && { refusal: refusal.code }),
  }
  telemetry.duration('http.server.request.duration', ms, outcome)
  const line = {
    route,
    status,
    ...(refusal && { refusal: refusal.code }),
    ms: Math.round(ms * 10) / 10,
    trace_id: trace.traceId,
    ...(known.organization && { organization: known.organization.id }),
  }
  if (status >= 500) log.error({ ...line, err: refusal?.cause ?? refusal }, 'request')
  else log.info(line, 'request')
}
