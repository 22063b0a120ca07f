export {
  type AccessTokenClaims,
  isRefusal,
  type JsonObject,
  Refusal,
  type RefusalCode,
  type VerifiedChain,
} from '@credence/protocol'
export type { Clock, Fetch, Runtime } from './runtime.ts'
export type { Expected } from './verifier/expected.ts'
export type { FeedReport, Operator } from './verifier/feed.ts'
export type { Replays } from './verifier/replays.ts'
export {
  type ProtectedResourceMetadata,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
} from './verifier/resource_metadata.ts'
export type { TrustedIssuer, WhenStale } from './verifier/trust.ts'
export type { Permitted, Refused, Verdict } from './verifier/verdict.ts'
export {
  type CallRequest,
  createVerifier,
  type Verifier,
  type VerifierOptions,
  type VerifierState,
} from './verifier/verifier.ts'
