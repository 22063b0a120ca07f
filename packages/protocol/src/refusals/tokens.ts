/**
 * Signed objects and access tokens. These answer a call at a resource (RFC 6750 §3.1). Where the token was a parameter
 * of a token request, the OAuth answer says `invalid_request` and 400 instead of `invalid_token` and 401 (RFC 8693
 * §2.2.2).
 */
export const tokens = {
  algorithm_not_allowed: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The signature algorithm is not the one of the registered key.',
    hint: 'Sign with the algorithm the key was registered for.',
  },
  audience_mismatch: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The token is meant for another audience.',
    hint: 'Ask for a token with exactly this resource as its audience.',
  },
  claims_invalid: {
    status: 401,
    oauth: 'invalid_token',
    says: 'A required claim is missing or has the wrong form, or a claim is there that must not be.',
    hint: 'Use the token exactly as the authority issued it.',
  },
  critical_unsupported: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The signed object demands an extension that is not supported here.',
    hint: 'Sign without `crit`, `b64` and compression.',
  },
  issuer_untrusted: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The issuer of the token is not trusted here.',
    hint: 'Ask a trusted authority for the token; issuers are compared byte for byte.',
  },
  key_unknown: {
    status: 401,
    oauth: 'invalid_token',
    says: 'No key of this issuer has this key id.',
    hint: 'Register the key, or ask for a new token if the key has been retired.',
  },
  token_expired: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The token has expired.',
    hint: 'Ask for a new token.',
  },
  token_malformed: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The token cannot be read.',
    hint: 'Send the token exactly as the authority issued it.',
  },
  token_missing: {
    status: 401,
    // RFC 6750 §3.1: a request without any authentication gets a challenge without an error code; the writer leaves it
    // out.
    oauth: 'invalid_token',
    says: 'The request carries no access token.',
    hint: 'Send the token in the Authorization header, scheme DPoP or Bearer.',
  },
  token_not_yet_valid: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The token says it was issued in the future.',
    hint: 'Check the clocks of this machine and of the authority.',
  },
  type_mismatch: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The signed object is of another type than the one needed here.',
    hint: 'Send the right kind of token; the types are never interchangeable.',
  },
} as const
