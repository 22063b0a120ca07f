import { asRefusal, isHandle, isRefusal, type Refusal, type RefusalCode, refuse } from '@credence/protocol'
import { installation, type Organization, type Services } from '../services.ts'
import { newSpanId, readTraceContext, type TraceContext, writeTraceparent } from '../telemetry/index.ts'
import type { Admission, Place } from './admission.ts'
import { type Answer, answerRefusal } from './answer.ts'
import type { Bodies } from './bodies.ts'
import { hasBody, readBody } from './body.ts'
import { challengeFor } from './challenge.ts'
import type { Call, Caller, Endpoint } from './endpoint.ts'
import type { FailureLimit } from './failure_limit.ts'
import { requireOwnOrigin } from './origin.ts'
import { isClean, parseParameters } from './parameters.ts'
import type { HttpRequest } from './request.ts'
import { validate } from './validate.ts'

/** What serves every endpoint. */
export type Serving = {
  services: Services
  bodies: Bodies
  admission: Admission
  failures: FailureLimit
  /** The organization at `/o/<handle>`, or, without a handle, at the origin. */
  locate(handle: string | undefined): Promise<Organization | undefined>
  /** Says who calls, by the endpoint's door; refuses whoever may not pass. */
  enter(services: Services, call: Omit<Call, 'params' | 'query' | 'body' | 'leave'>): Promise<Caller | undefined>
}

/** One request at one row of the table. */
export type Arrival = {
  endpoint: Endpoint
  request: HttpRequest
  address: string
  /** Undefined at the origin. */
  handle: string | undefined
  /** As they stand in the path, decoded. */
  params: Record<string, string>
}

/** What became known of a request by the time it was answered. */
type Known = { organization?: Organization; caller?: Caller; spanId?: string; answerHeaders: Map<string, string> }

/** Answers a request. Never throws. */
export async function serve(serving: Serving, arrival: Arrival): Promise<Answer> {
  const { services, failures } = serving
  const { endpoint, request, address } = arrival
  const begun = services.clock.monotonicMs()
  const trace = readTraceContext(request.headers)
  const route = `${endpoint.method.toUpperCase()} ${endpoint.path}`
  const known: Known = { answerHeaders: new Map() }
  let refusal: Refusal | undefined
  let answered: Answer
  let place: Place | undefined
  let end: (() => void) | undefined
  try {
    requireOwnOrigin(request, services.config)
    // Before there is a place to take: nobody holds one by sending slowly.
    const body = await bodyOf(serving, arrival)
    const taken = serving.admission.enter(endpoint.room ?? 'ordinary', address)
    place = taken
    if (isLimited(endpoint)) end = failures.begin(address)
    answered = await services.telemetry.request(route, trace, { 'http.route': endpoint.path }, (spanId) => {
      known.spanId = spanId
      return handle(serving, { ...arrival, body, place: taken }, trace, known)
    })
  } catch (error) {
    refusal = asRefusal(error)
    // A missing nonce is part of a proof's first round, not a failure.
    const failed = isOfCaller(refusal, known) && refusal.code !== 'nonce_required'
    countAtDoor(services, endpoint, known, refusal.code)
    if (failed && isLimited(endpoint)) refusal = counted(failures, address, refusal)
    answered = refused(refusal, serving, arrival, known)
  } finally {
    end?.()
    place?.leave()
  }
  const { headers } = answered
  for (const [name, value] of known.answerHeaders) headers[name] = value
  headers.traceresponse = writeTraceparent(trace, known.spanId ?? newSpanId())
  headers['x-content-type-options'] = 'nosniff'
  report(services, { route, begun, trace, known, refusal, status: answered.status })
  return answered
}

/** Whether it says that nobody knows who calls. Of what a known caller names, an agent or a statement, it may say the same. */
function isOfCaller({ status }: Refusal, { caller }: Known): boolean {
  return status === 401 && caller === undefined
}

/** The refusal of a failure, or, when there were too many before it, `rate_limited`. */
function counted(failures: FailureLimit, address: string, refusal: Refusal): Refusal {
  try {
    failures.failed(address)
    return refusal
  } catch (error) {
    return asRefusal(error)
  }
}

/** Whoever must stop an agent, or hear that one was stopped, is not kept out by what else goes wrong at the same address. */
function isLimited({ door, room = 'ordinary' }: Endpoint): boolean {
  return door !== 'public' && (room === 'ordinary' || room === 'acknowledgements')
}

/**
 * The body, or why it cannot be had, which only those are told who pass the door.
 *
 * Refuses `body_too_slow` at once.
 */
async function bodyOf({ bodies }: Serving, { endpoint, request, address }: Arrival): Promise<Uint8Array | Refusal> {
  try {
    return hasBody(endpoint, request) ? await bodies.read(request, address) : new Uint8Array()
  } catch (error) {
    if (!isRefusal(error) || error.code === 'body_too_slow') throw error
    return error
  }
}

/** The checks every request passes, in order. */
async function handle(
  { services, locate, enter }: Serving,
  { endpoint, request, handle, params, body, place }: Arrival & { body: Uint8Array | Refusal; place: Place },
  { traceId }: TraceContext,
  known: Known,
): Promise<Answer> {
  // Under a load that makes callers give up, what is done for them would keep others waiting until they give up too.
  if (request.isGone()) refuse('overloaded')
  const organization = await organizationOf(endpoint, handle, services, locate)
  known.organization = organization
  const { answerHeaders } = known
  const { room } = endpoint
  const arrived = {
    endpoint,
    organization,
    request,
    // Every issuer begins with the one origin.
    url: `${services.config.origin}${request.path}`,
    caller: undefined,
    traceId,
    answerHeaders,
  }
  const caller = await enter(services, arrived)
  if (caller) known.caller = caller
  if (room === 'revocation' || room === 'withdrawal') place.move(room, organization.id)
  const call: Call = {
    ...arrived,
    caller,
    params: readParams(endpoint, params),
    query: readQuery(endpoint, request.search),
    body: isRefusal(body) ? raise(body) : readBody(endpoint, request, body),
    leave: place.leave,
  }
  return endpoint.handle(services, call)
}

function raise(refusal: Refusal): never {
  throw refusal
}

async function organizationOf(
  endpoint: Endpoint,
  handle: string | undefined,
  { config }: Services,
  locate: Serving['locate'],
): Promise<Organization> {
  if (endpoint.at !== 'origin') {
    const mayBe = handle === undefined || isHandle(handle)
    return (mayBe ? await locate(handle) : undefined) ?? refuse('organization_unknown')
  }
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

function readParams(endpoint: Endpoint, params: Record<string, string>): unknown {
  if (!endpoint.params) return undefined
  if (!Object.values(params).every(isClean)) refuse('not_found')
  return validate(endpoint.params, params, 'path', 'not_found')
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

function refused(refusal: Refusal, { admission }: Serving, { endpoint, request }: Arrival, known: Known): Answer {
  const aboutOthers = refusal.status === 401 && !isOfCaller(refusal, known)
  // RFC 9110 §15.5.2: a 401 is about the caller's own credentials, which are in order.
  const answered = answerRefusal(refusal, endpoint.refusals ?? 'problem', aboutOthers ? 422 : undefined)
  const challenge = aboutOthers ? undefined : challengeFor(refusal, endpoint, request.headers.get('authorization'))
  if (challenge !== undefined && !known.answerHeaders.has('www-authenticate')) {
    answered.headers['www-authenticate'] = challenge
  }
  if (refusal.status === 429) answered.headers['retry-after'] = '5'
  if (refusal.status === 503) {
    // Whoever is gone takes nobody's turn.
    const isSentAway = refusal.code === 'overloaded' && !request.isGone()
    const seconds = isSentAway ? admission.comeBackIn(endpoint.room ?? 'ordinary') : 1
    answered.headers['retry-after'] = `${seconds}`
  }
  // What else of the body is under way would only be thrown away.
  if (refusal.status === 408) answered.headers.connection = 'close'
  return answered
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
  // Shedding is what is meant to happen, and happens thousands of times when it does.
  if (status >= 500 && refusal?.code !== 'overloaded') log.error({ ...line, err: refusal?.cause ?? refusal }, 'request')
  else log.info(line, 'request')
}
