/** How a caller of the authority proves who it is (RFC 6749 §5.2 `invalid_client`, RFC 7523 §3). */
export const clientAuthentication = {
  agent_not_active: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The agent is suspended or retired.',
    hint: "Ask the agent's owner or an administrator to resume it.",
  },
  assertion_audience: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The client assertion is not meant for this authority alone.',
    hint: 'Set `aud` to the issuer of this authority, as its only value.',
  },
  assertion_invalid: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The client assertion is not valid.',
    hint: 'Sign a fresh assertion with iss = sub = the client id, and with aud, iat, exp and jti.',
  },
  assertion_lifetime: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The client assertion has expired, or lives too long.',
    hint: 'Sign an assertion that lives one minute, five at most, and check the clock.',
  },
  assertion_replayed: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The client assertion has been used before.',
    hint: 'Sign a new assertion for each request, also for a retry.',
  },
  client_authentication_ambiguous: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The request authenticates the client in more than one way, or names two clients.',
    hint: 'Use exactly one credential and one client id.',
  },
  client_authentication_failed: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The client could not be authenticated.',
    hint: 'Check the client id and its credential.',
  },
  client_authentication_missing: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The request does not authenticate the client.',
    hint: "Send a client assertion, or the client's secret with HTTP Basic.",
  },
  // Word for word client_authentication_failed: the answer must not tell which clients exist.
  client_unknown: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The client could not be authenticated.',
    hint: 'Check the client id and its credential.',
  },
  credential_expired: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The credential is not valid yet, no longer, or has been ended.',
    hint: 'Register a new credential for the agent.',
  },
  credential_kind_refused: {
    status: 401,
    oauth: 'invalid_client',
    says: "The agent's credential policy does not allow this kind of credential.",
    hint: 'Use a kind the policy allows, or ask the owner to change the policy.',
  },
  instance_expired: {
    status: 401,
    oauth: 'invalid_client',
    says: 'The instance of the agent is no longer alive.',
    hint: 'Start a new instance.',
  },
} as const
