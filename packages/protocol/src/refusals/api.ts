import type { RefusalRow } from './row.ts'

/** HTTP in general and the management API. */
export const api = {
  already_ended: {
    status: 409,
    oauth: 'invalid_request',
    says: 'This has ended for good.',
    hint: 'Create a new one; what has ended never lives again.',
  },
  body_too_large: {
    status: 413,
    oauth: 'invalid_request',
    says: 'The body of the request is too large.',
    hint: 'Send less at once.',
  },
  conflict: {
    status: 409,
    oauth: 'invalid_request',
    says: 'The state has changed, or does not allow this.',
    hint: 'Read the current state and decide again.',
  },
  cursor_invalid: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The cursor is not one that was given out here.',
    hint: 'Start again from the first page.',
  },
  forbidden: {
    status: 403,
    oauth: 'access_denied',
    says: 'The caller may not do this.',
    hint: 'Use a credential that has this right.',
  },
  handle_invalid: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The handle is not well formed.',
    hint: 'Use 1 to 63 of a-z, 0-9 and hyphens, not beginning or ending with a hyphen.',
  },
  handle_taken: {
    status: 409,
    oauth: 'invalid_request',
    says: 'The handle is or was in use.',
    hint: 'Choose another; handles are never given twice.',
  },
  internal_error: {
    status: 500,
    oauth: 'server_error',
    says: 'Something went wrong here.',
    hint: 'Try again; if it stays, tell the operator the trace id.',
  },
  key_unusable: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The key cannot be used.',
    hint: 'Send a public JWK: EC P-256, OKP Ed25519, or RSA of at least 2048 bits with alg RS256.',
  },
  method_not_allowed: {
    status: 405,
    oauth: 'invalid_request',
    says: 'The path does not take this method.',
    hint: 'See the Allow header.',
  },
  not_acceptable: {
    status: 406,
    oauth: 'invalid_request',
    says: 'The answer cannot be given in a form the request accepts.',
    hint: 'Accept the media type in the documentation.',
  },
  not_found: {
    status: 404,
    oauth: 'invalid_request',
    says: 'There is nothing here that the caller may see.',
    hint: 'Check the path and the id.',
  },
  organization_unknown: {
    status: 404,
    oauth: 'invalid_request',
    says: 'There is no such organization.',
    hint: 'Check the issuer URL.',
  },
  overloaded: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The authority has more to do than it can.',
    hint: 'Try again after the time in Retry-After.',
  },
  rate_limited: {
    status: 429,
    oauth: 'temporarily_unavailable',
    says: 'There were too many requests.',
    hint: 'Try again after the time in Retry-After.',
  },
  request_timeout: {
    status: 408,
    oauth: 'invalid_request',
    says: 'The request did not arrive in time.',
    hint: 'Send it again.',
  },
  storage_unavailable: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The authority cannot reach its store.',
    hint: 'Try again; nothing was answered that is not durable.',
  },
  unauthorized: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The caller is not known.',
    hint: 'Send a valid administrator secret or access token in the Authorization header.',
  },
  unsupported_media_type: {
    status: 415,
    oauth: 'invalid_request',
    says: 'The body is not of a media type taken here.',
    hint: 'Send application/json, or application/x-www-form-urlencoded to the OAuth endpoints.',
  },
  validation_failed: {
    status: 422,
    oauth: 'invalid_request',
    says: 'A member of the request is missing, unknown or has the wrong form.',
    hint: 'Check the request against the API reference.',
  },
} as const satisfies Record<string, RefusalRow>
