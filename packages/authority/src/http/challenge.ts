import { algorithms, type Refusal } from '@credence/protocol'
import type { Endpoint } from './endpoint.ts'

/**
 * The `WWW-Authenticate` of a refusal: RFC 9110 §11.6.1 wants one with every 401, RFC 6749 §5.2 the scheme that was tried,
 * RFC 9449 §7.1 the error of a proof. Undefined when there is nothing to challenge for.
 */
export function challengeFor(refusal: Refusal, endpoint: Endpoint, authorization: string | null): string | undefined {
  const { status, oauth } = refusal
  if (status !== 401 && refusal.code !== 'insufficient_scope') return undefined
  const scope = endpoint.scope && refusal.code === 'insufficient_scope' ? `, scope="${endpoint.scope}"` : ''
  switch (endpoint.door) {
    case 'client':
      return authorization === null ? undefined : 'Basic realm="credence"'
    case 'agent': {
      const error = authorization === null ? '' : `, error="${oauth}"`
      return `DPoP realm="credence", algs="${algorithms.join(' ')}"${error}${scope}`
    }
    default: {
      const error = authorization === null ? '' : ', error="invalid_token"'
      return `Bearer realm="credence"${error}`
    }
  }
}
