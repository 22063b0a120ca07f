export type {
  AccessTokenClaims,
  AccessTokenExpectations,
  Actor,
  ChainHop,
  Lineage,
} from './access_token.ts'
export { actorsOf, signAccessToken, verifyAccessToken } from './access_token.ts'
export { decode as decodeBase64url, encode as encodeBase64url } from './base64url.ts'
export { canonicalize, isCanonical } from './canonical.ts'
export type { AssertionExpectations, VerifiedAssertion } from './client_assertion.ts'
export { signClientAssertion, verifyClientAssertion } from './client_assertion.ts'
export type { ProofExpectations, VerifiedProof } from './dpop.ts'
export { createDpopProof, readDpopHeader, verifyDpopProof } from './dpop.ts'
export type { IdPrefix, SpiffeId } from './identifiers.ts'
export {
  agentSpiffeId,
  instanceSpiffeId,
  isAudience,
  isHandle,
  isId,
  isTask,
  newId,
  parseSpiffeId,
} from './identifiers.ts'
export type { JsonLimits, JsonObject, JsonValue } from './json.ts'
export { isJsonArray, isJsonObject, parseJson, parseJsonBytes } from './json.ts'
export type { KeyLookup } from './jws.ts'
// Reading without verifying stays inside: nothing outside this package can act on an unverified claim.
export { hashText, sha256, signJws } from './jws.ts'
export type { Algorithm, PublicKey, SigningKey } from './keys.ts'
export { generateSigningKey, importPublicKey, importSigningKey, isAlgorithm, thumbprint } from './keys.ts'
export type { RefusalCode, RefusalRow } from './refusals.ts'
export { asRefusal, isRefusal, Refusal, refusals, refuse } from './refusals.ts'
