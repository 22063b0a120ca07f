/** RFC 8693 §3. */
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
/** Ours: delegation statements, root first, joined by `~`. */
export const delegationType = 'urn:credence:params:oauth:token-type:delegation'
