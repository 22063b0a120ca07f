/**
 * Delegation chains, in the names of draft-asor-wimse-agent-delegation-chain. These answer a call at a
 * resource; where the chain was a parameter of a token request, the OAuth answer says `invalid_request` and 400 instead
 * of `invalid_token` and 401 (RFC 8693 §2.2.2).
 */
export const delegation = {
  ceiling_exceeded: {
    status: 403,
    oauth: 'insufficient_scope',
    says: 'An argument of the action is outside a constraint of the delegation.',
    hint: 'State every argument that is bounded, stay within the bounds, or ask the delegator for a wider delegation.',
  },
  delegation_unknown: {
    status: 400,
    oauth: 'invalid_request',
    says: 'No such delegation is registered.',
    hint: 'Send the whole chain, root first, or register it.',
  },
  delegator_unknown: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The delegator, or the key that signed, is not registered or no longer alive.',
    hint: "Register the delegator's key before it signs delegations.",
  },
  depth_invalid: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The delegation chain is longer than it may be.',
    hint: 'Hand on fewer times, or ask for a delegation with a larger `max_depth`.',
  },
  evidence_refused: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The evidence of a hop is not of a kind that is accepted here.',
    hint: 'Let the delegator sign the hop with its registered key.',
  },
  expired: {
    status: 401,
    oauth: 'invalid_token',
    says: 'A delegation of the chain has expired or is not valid yet.',
    hint: 'Ask the delegator for a new delegation, and check the clock.',
  },
  holder_binding_failed: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The delegation was given to somebody else.',
    hint: 'Only the delegate it names may use it.',
  },
  not_narrower: {
    status: 401,
    oauth: 'invalid_token',
    says: 'A hop of the chain is wider than the one above it.',
    hint: 'Hand on at most what was received: scopes, audiences, constraints, time and depth.',
  },
  par_hash_mismatch: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The hops do not form one chain.',
    hint: 'Send the statements of one chain, root first, unchanged.',
  },
  principal_altered: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The principal is not the same in every hop.',
    hint: 'Keep the principal of the root in every hop.',
  },
  revoked: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The authority behind this has been revoked.',
    hint: 'Ask for new authority; this one does not come back.',
  },
  scope_not_granted: {
    status: 403,
    oauth: 'insufficient_scope',
    says: 'The delegation does not grant this scope.',
    hint: 'Ask for less, or ask the delegator for a wider delegation.',
  },
  signature_invalid: {
    status: 401,
    oauth: 'invalid_token',
    says: 'The signature does not verify.',
    hint: 'Send the object exactly as it was signed.',
  },
  status_unknown: {
    status: 401,
    oauth: 'invalid_token',
    says: 'It cannot be told whether the authority behind this still stands.',
    hint: 'Try again when the authority can be reached.',
  },
  unknown_constraint: {
    status: 403,
    oauth: 'access_denied',
    says: 'The delegation has a constraint that is not understood here.',
    hint: 'Use the constraint types of the documentation; unknown ones are never ignored.',
  },
} as const
