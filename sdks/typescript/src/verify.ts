import { Statements } from './verifier/statements.ts'
import { startVerifier, type Verifier, type VerifierOptions } from './verifier/verifier.ts'

export {
  type AccessTokenClaims,
  isRefusal,
  type JsonObject,
  Refusal,
  type RefusalCode,
  type VerifiedChain,
  type WhenStale,
} from '@credence/protocol'
export type { Clock, Fetch, Runtime } from './runtime.ts'
export type { Expected, Needs } from './verifier/expected.ts'
export type { FeedReport } from './verifier/feed.ts'
export type { Operator } from './verifier/own_api.ts'
export type { ProofMode } from './verifier/registration.ts'
export type { Replays } from './verifier/replays.ts'
export {
  type ProtectedResourceMetadata,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
} from './verifier/resource_metadata.ts'
export type { TrustedIssuer } from './verifier/trust.ts'
export type { Permitted, Refused, Verdict } from './verifier/verdict.ts'
export type { CallRequest, Verifier, VerifierOptions, VerifierState } from './verifier/verifier.ts'

/** Starts to verify calls at one resource. Follows each issuer's revocations in the background until `stop`. */
export function createVerifier(options: VerifierOptions): Verifier {
  return startVerifier(options, (...of) => new Statements(...of))
}
