/** The URNs that OAuth has for what both sides of a token request name. */

/** RFC 8693 §2.1. */
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** RFC 7523 §2.2. */
export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** RFC 8693 §3. */
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

/** Ours: delegation statements, root first, joined by `~` (`joinChain`). */
export const delegationType = 'urn:credence:params:oauth:token-type:delegation'
