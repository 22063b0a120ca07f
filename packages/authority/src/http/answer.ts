import { asRefusal, type Refusal } from '@credence/protocol'

/** A JSON answer. Never cached unless `headers` says otherwise. */
export function answer(body: object, more: { status?: number; headers?: Record<string, string> } = {}): Response {
  return new Response(JSON.stringify(body), {
    status: more.status ?? 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...more.headers },
  })
}

/** An answer without a body. */
export function answerEmpty(status = 204): Response {
  return new Response(null, { status, headers: { 'cache-control': 'no-store' } })
}

/** An answer of another media type; cached only when `cache` says how long. */
export function answerText(text: string, type: string, cache = 'no-store'): Response {
  return new Response(text, { headers: { 'content-type': type, 'cache-control': cache } })
}

/**
 * The one place that writes refusals to the wire. What it writes comes from the closed table and the refusal's public detail;
 * an unknown error becomes `internal_error` and says nothing.
 */
export function answerRefusal(error: unknown, as: 'problem' | 'oauth'): Response {
  const refusal = asRefusal(error)
  return as === 'oauth' ? oauthError(refusal) : problem(refusal)
}

/** RFC 9457. */
function problem(refusal: Refusal): Response {
  const { code, status, says, detail, hint } = refusal
  const body = { type: `urn:credence:refusal:${code}`, title: says, status, ...(detail && { detail }), code, hint }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
}

/** RFC 6749 §5.2, with our code and hint beside. */
function oauthError(refusal: Refusal): Response {
  const { code, status, oauth, says, detail, hint } = refusal
  const body = { error: oauth, error_description: detail ? `${says} ${detail}` : says, error_code: code, hint }
  return answer(body, { status })
}
