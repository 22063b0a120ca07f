/** What every part may have to say: of itself, of its settings, and of the authority it asks. */
export const anywhere = {
  authority_answer_invalid: {
    status: 502,
    oauth: 'server_error',
    says: 'The authority answered something that cannot be understood.',
    hint: 'Check that the issuer URL is that of a Credence authority.',
  },
  authority_unreachable: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The authority cannot be reached.',
    hint: 'Check that it runs, and the issuer URL.',
  },
  config_invalid: {
    status: 500,
    oauth: 'server_error',
    says: 'A setting has a value that it cannot have.',
    hint: 'Correct the setting.',
  },
  config_missing: {
    status: 500,
    oauth: 'server_error',
    says: 'A setting that has no default is missing.',
    hint: 'Give the setting a value.',
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
  metadata_mismatch: {
    status: 502,
    oauth: 'server_error',
    says: "The metadata found at the issuer is not the issuer's own.",
    hint: 'Check the issuer URL, byte by byte.',
  },
  overloaded: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The authority has more to do than it can.',
    hint: 'Try again after the time in Retry-After.',
  },
} as const
