export type {
  AccessTokenClaims,
  AccessTokenExpectations,
  Actor,
  ChainHop,
  Lineage,
} from './access_token.ts'
export { actorsOf, signAccessToken, verifyAccessToken } from './access_token.ts'
export { commit, newSalt, openCommitment } from './audit/commitment.ts'
export type { LogHead, ServedRecord } from './audit/head.ts'
export { signLogHead, verifyLog, verifyLogHead } from './audit/head.ts'
export type { Leaf, LeafType } from './audit/leaf.ts'
export { decodeLeaf, encodeLeaf, leafTypes } from './audit/leaf.ts'
export * as base64url from './base64url.ts'
export { canonicalize, isCanonical } from './canonical.ts'
export type { AssertionExpectations, VerifiedAssertion } from './client_assertion.ts'
export { signClientAssertion, verifyClientAssertion } from './client_assertion.ts'
export type { Constraint } from './constraints.ts'
export { checkConstraints, isCumulative, parseConstraints, refuseCumulative, subsumes } from './constraints.ts'
export type { ChainChecks, VerifiedChain, VerifiedHop } from './delegation/chain.ts'
export { joinChain, splitChain, verifyChain } from './delegation/chain.ts'
export { KnownStatements } from './delegation/known_statements.ts'
export type { NarrowedField } from './delegation/narrows.ts'
export { narrows } from './delegation/narrows.ts'
export type { Evidence, ReadStatement, Statement, StatementWords } from './delegation/statement.ts'
// Reading without verifying stays inside, so that nothing outside this package can act on an unverified claim. The one exception is
// `readStatement`: whoever hands a statement on reads it before anybody has verified it.
export {
  agentOf,
  defaultDelegationSeconds,
  delegationId,
  longestDelegationSeconds,
  newStatement,
  readStatement,
  signStatement,
} from './delegation/statement.ts'
export { hashText, sha256 } from './digest.ts'
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
export { deepFreeze, isJsonArray, isJsonObject, parseJson, parseJsonBytes } from './json.ts'
export type { KeyLookup } from './jws.ts'
export { signJws } from './jws.ts'
export type { Algorithm, PublicKey, SigningKey } from './keys.ts'
export { algorithms, generateSigningKey, importPublicKey, importSigningKey, thumbprint } from './keys.ts'
export {
  consistencyProof,
  Frontier,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
export { accessTokenType, clientAssertionType, delegationType, jwtType, tokenExchangeGrant } from './oauth_names.ts'
export { Recent } from './recent.ts'
export type { CodeAtUse } from './refusals/at_use.ts'
export { asRefusal, isRefusal, problemOf, Refusal, refuseAtUse } from './refusals/at_use.ts'
export type { RefusalCode, RefusalRow } from './refusals.ts'
export { refusalOf, refusals, refuse } from './refusals.ts'
export { rememberedKeys } from './remembered_keys.ts'
export type { Batch, WhenStale } from './revocation/batch.ts'
export { signBatch, verifyBatch } from './revocation/batch.ts'
export type { FeedOptions, StaleTerms } from './revocation/lease.ts'
export { FeedState } from './revocation/lease.ts'
export type { Fact } from './revocation/revocation_map.ts'
export { RevocationMap } from './revocation/revocation_map.ts'
export { isSafeUrl } from './safe_url.ts'
export {
  covers,
  coversAll,
  formatScope,
  intersectScopes,
  isScope,
  parseScope,
  reduceScopes,
} from './scopes.ts'
