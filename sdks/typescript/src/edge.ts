import { startVerifier, type Verifier, type VerifierOptions } from './verifier/verifier.ts'

export { isRefusal, Refusal, type RefusalCode } from '@credence/protocol'
export { protectedResourceMetadata, protectedResourceMetadataUrl } from './verifier/resource_metadata.ts'
export type { CallRequest, Verifier, VerifierOptions, VerifierState } from './verifier/verifier.ts'

/**
 * `createVerifier` of `@credence/sdk/verify` for places where each kilobyte is counted: the same verifier without what proves
 * the statements of a chain. A call that asks for `chain: 'prove'` is refused with `config_invalid`.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return startVerifier(options)
}
