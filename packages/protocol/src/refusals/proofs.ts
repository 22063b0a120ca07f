/** Proof of possession, RFC 9449 (`invalid_dpop_proof` §5 and §7.1, `use_dpop_nonce` §8). */
export const proofs = {
  binding_unknown: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The token is bound to its holder in a way that is not known here.',
    hint: 'Ask for a token bound by DPoP; a binding that cannot be checked is never treated as none.',
  },
  nonce_required: {
    status: 401,
    oauth: 'use_dpop_nonce',
    says: 'The proof must carry a nonce given by this server.',
    hint: 'Repeat the request with the value of the DPoP-Nonce header inside the proof.',
  },
  proof_invalid: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'The proof of possession is not valid.',
    hint: 'Make a fresh DPoP proof with the key the token is bound to (RFC 9449 section 4).',
  },
  proof_key_mismatch: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The proof was made with another key than the one the token is bound to.',
    hint: 'Sign the proof with the key that was used when the token was asked for.',
  },
  proof_method_mismatch: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'The proof was made for another HTTP method.',
    hint: 'Make a proof for each request.',
  },
  proof_missing: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'A proof of possession is required and was not sent.',
    hint: 'Send a DPoP header with the request, and the token with the scheme DPoP.',
  },
  proof_replayed: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'The proof has been used before.',
    hint: 'Make a new proof for each request, also for a retry.',
  },
  proof_stale: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'The proof was not made just now.',
    hint: 'Make the proof when the request is sent, and check the clock.',
  },
  proof_target_mismatch: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'The proof was made for another URL.',
    hint: 'Put the URL of the request, without query and fragment, into `htu`.',
  },
  proof_token_mismatch: {
    status: 401,
    oauth: 'invalid_dpop_proof',
    says: 'The proof was made for another access token.',
    hint: 'Put the SHA-256 of the token that is sent into `ath`.',
  },
} as const
