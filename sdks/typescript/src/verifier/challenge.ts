import { algorithms, problemOf, type Refusal } from '@credence/protocol'

export type ChallengeOptions = {
  /** Whether a token without a proof can pass at all. */
  proof: 'required' | 'optional'
  /** All scopes the call needs, for `insufficient_scope`. */
  scopes: readonly string[]
  /** It is the call that cannot be read, by a caller who is known: 400 stays 400. */
  unreadable: boolean
  /** RFC 9728 §5.1: where the resource describes itself. */
  resourceMetadata: string | undefined
  /** For `use_dpop_nonce`. */
  nonce: string
}

/**
 * The answer to a call that is refused: RFC 6750 §3 and RFC 9449 §7.1 challenges, RFC 9728 metadata, and a problem document
 * (RFC 9457) that says which refusal it is. Nothing of the request is repeated in it.
 */
export function refusalResponse(refusal: Refusal, options: ChallengeOptions): Response {
  const status = options.unreadable ? refusal.status : statusOf(refusal)
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  if (status === 401 || status === 403) {
    for (const challenge of challenges(refusal, status, options)) headers.append('www-authenticate', challenge)
  }
  if (refusal.code === 'nonce_required') headers.set('dpop-nonce', options.nonce)
  if (status === 503) headers.set('retry-after', '1')
  return new Response(JSON.stringify(problemOf(refusal, status)), { status, headers })
}

/** What is malformed about a credential is, at a resource, a credential that is not valid (RFC 6750 §3.1). */
function statusOf({ status }: Refusal): number {
  return status === 400 ? 401 : status
}

function challenges(refusal: Refusal, status: number, options: ChallengeOptions): string[] {
  const error = errorOf(refusal, status)
  const parameters = {
    error,
    error_description: error && refusal.says,
    scope: error === 'insufficient_scope' ? [...new Set(options.scopes)].join(' ') : undefined,
    resource_metadata: options.resourceMetadata,
  }
  const dpop = write('DPoP', { algs: algorithms.join(' '), ...parameters })
  const aboutProof = error === 'invalid_dpop_proof' || error === 'use_dpop_nonce'
  return options.proof === 'required' || aboutProof ? [dpop] : [write('Bearer', parameters), dpop]
}

/** RFC 6750 §3.1: a request without a token gets a challenge without an error. */
function errorOf(refusal: Refusal, status: number): string | undefined {
  if (refusal.code === 'token_missing') return undefined
  if (status === 403) return 'insufficient_scope'
  return refusal.oauth === 'invalid_dpop_proof' || refusal.oauth === 'use_dpop_nonce' ? refusal.oauth : 'invalid_token'
}

/** Parameters that are empty are left out. */
function write(scheme: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const written = Object.entries(parameters).flatMap(([name, value]) => (value ? `${name}="${quoted(value)}"` : []))
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`
}

/** RFC 6750 §3 keeps to printable ASCII without quote and backslash. */
function quoted(text: string): string {
  return text.replaceAll('’', "'").replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, ' ')
}
