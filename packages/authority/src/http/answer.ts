import { asRefusal, problemOf, type Refusal } from '@credence/protocol'
import { z } from 'zod'
import type { PushedBody } from './pushed_body.ts'

/** What `answerRefusal` writes outside the OAuth endpoints. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    code: z.string().describe('The refusal: one of a closed set.'),
    hint: z.string().describe('What to do next.'),
  })
  .describe('RFC 9457.')

/** What it writes at the OAuth endpoints. */
export const oauthErrorSchema = z
  .looseObject({
    error: z.string(),
    error_description: z.string(),
    error_code: z.string().describe('The refusal, more exactly than `error`.'),
    hint: z.string().describe('What to do next.'),
  })
  .describe('RFC 6749 §5.2, and ours beside.')

/** What is sent. Names of headers are lower case; its length is counted where it is written. */
export type Answer = {
  status: number
  headers: Record<string, string>
  body?: string | PushedBody
}

/** A JSON answer. Never cached unless `headers` says otherwise. */
export function answer(body: object, more: { status?: number; headers?: Record<string, string> } = {}): Answer {
  return {
    status: more.status ?? 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...more.headers },
    body: JSON.stringify(body),
  }
}

/** An answer without a body. */
export function answerEmpty(status = 204): Answer {
  return { status, headers: { 'cache-control': 'no-store' } }
}

/** An answer of another media type; cached only when `cache` says how long. */
export function answerText(text: string, type: string, cache = 'no-store'): Answer {
  return { status: 200, headers: { 'content-type': type, 'cache-control': cache }, body: text }
}

/** Events as they are made, until somebody ends it. */
export function answerEvents(events: PushedBody): Answer {
  // Proxies that hold answers back until they are large are asked not to.
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  return { status: 200, headers, body: events }
}

/**
 * The one place that writes refusals to the wire. What it writes comes from the closed table and the refusal's public detail;
 * an unknown error becomes `internal_error` and says nothing.
 *
 * @param status what is answered, where it is not the refusal's own.
 */
export function answerRefusal(error: unknown, as: 'problem' | 'oauth', status?: number): Answer {
  const refusal = asRefusal(error)
  return as === 'oauth' ? oauthError(refusal) : problem(refusal, status)
}

/** RFC 9457. */
function problem(refusal: Refusal, status = refusal.status): Answer {
  return answer(problemOf(refusal, status), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

/** What a resource answers about a token, where the token was a parameter: RFC 8693 §2.2.2 wants `invalid_request`. */
const aboutParameters: ReadonlySet<string> = new Set(['invalid_token', 'insufficient_scope', 'access_denied'])
/** RFC 9449 §5 and §8: these are 400 at an authorization server. */
const aboutProofs: ReadonlySet<string> = new Set(['invalid_dpop_proof', 'use_dpop_nonce'])

/** RFC 6749 §5.2, with our code and hint beside. */
function oauthError(refusal: Refusal): Answer {
  const { code, says, detail, hint } = refusal
  const isParameter = aboutParameters.has(refusal.oauth)
  const status = isParameter || aboutProofs.has(refusal.oauth) ? 400 : refusal.status
  const error = isParameter ? 'invalid_request' : refusal.oauth
  const body = { error, error_description: detail ? `${says} ${detail}` : says, error_code: code, hint }
  return answer(body, { status })
}
