/** The OAuth endpoints: RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 8707 §2. */
export const tokenEndpoint = {
  actor_not_named: {
    status: 400,
    oauth: 'invalid_request',
    says: 'Nothing names this actor as one that may act for the subject.',
    hint: 'Get a delegation from the subject to this agent first.',
  },
  actor_token_invalid: {
    status: 400,
    oauth: 'invalid_request',
    says: "The actor token is not valid, or is not the caller's own.",
    hint: 'Send an access token of the client that makes the request.',
  },
  ambiguous_delegation: {
    status: 400,
    oauth: 'invalid_request',
    says: 'More than one delegation fits the request.',
    hint: 'Send the delegation chain to draw on as subject_token.',
  },
  attested_refused: {
    status: 403,
    oauth: 'access_denied',
    says: 'The resource does not accept authority that was only attested.',
    hint: 'Let the delegator sign the delegation.',
  },
  authorization_refused: {
    status: 403,
    oauth: 'access_denied',
    says: 'Policy does not allow this.',
    hint: 'Ask an administrator of the organization.',
  },
  cumulative_unsupported: {
    status: 400,
    oauth: 'invalid_request',
    says: 'Constraints that add up over calls are not supported yet.',
    hint: 'Leave out `max_lifetime` and `max_subtree`.',
  },
  grant_unsupported: {
    status: 400,
    oauth: 'unsupported_grant_type',
    says: 'The grant type is not supported.',
    hint: 'Use one of grant_types_supported in the metadata.',
  },
  invalid_request: {
    status: 400,
    oauth: 'invalid_request',
    says: 'A parameter is missing, unknown or has the wrong form.',
    hint: 'Check the parameters of the request against the documentation.',
  },
  onward_not_granted: {
    status: 400,
    oauth: 'invalid_target',
    says: 'The delegation does not let its resource act onward at this one.',
    hint: 'Ask the delegator to name the resource in `onward`.',
  },
  parameter_repeated: {
    status: 400,
    oauth: 'invalid_request',
    says: 'A parameter was sent more than once.',
    hint: 'Send each parameter once, in the body only.',
  },
  recovering: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The store of the authority has lost commits, and nothing is issued until that has been looked into.',
    hint: 'Ask an administrator of the organization: what was ended is ended again, and then `issuing` is restored.',
  },
  resource_missing: {
    status: 400,
    oauth: 'invalid_target',
    says: 'The request names no resource.',
    hint: 'Send `resource` with the audience of the resource to be called.',
  },
  resource_unknown: {
    status: 400,
    oauth: 'invalid_target',
    says: 'The resource is not known, or may not be reached by this client.',
    hint: 'Use the exact audience the resource is registered under.',
  },
  scope_exceeds_grant: {
    status: 400,
    oauth: 'invalid_scope',
    says: 'The scope asked for is more than the grant allows.',
    hint: 'Ask for less, or leave out `scope` to get all that is granted.',
  },
  scope_unknown: {
    status: 400,
    oauth: 'invalid_scope',
    says: 'A scope is not one that the resource declares.',
    hint: 'Use the scopes the resource declares; they are case-sensitive.',
  },
  signing_key_unavailable: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'This process cannot open the key that signs, and signs with no other.',
    hint: 'Give every process the wrapping keys that any of them has.',
  },
  // RFC 8693 §2.2.2: a subject or actor token that is invalid for any reason MUST be answered with invalid_request.
  subject_token_invalid: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The subject token is not valid.',
    hint: 'Send a live token or delegation of this organization.',
  },
  subject_token_type_unsupported: {
    status: 400,
    oauth: 'invalid_request',
    says: 'This kind of subject token cannot be exchanged.',
    hint: 'Send a delegation chain or an access token, with the type that says so.',
  },
  task_mismatch: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The task is not the one the authority was given for.',
    hint: 'Use the task of the delegation or token drawn on.',
  },
  token_type_unsupported: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The requested token type is not issued here.',
    hint: 'Ask for urn:ietf:params:oauth:token-type:access_token.',
  },
} as const
