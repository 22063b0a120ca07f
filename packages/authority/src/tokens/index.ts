export { authenticateApiCall } from './api_call.ts'
export { checkSealed } from './check_sealed.ts'
export { firstSigningKeySteps } from './first_key.ts'
export { type MintedToken, mint, type NewToken, signAs } from './mint.ts'
export { newSigningKey, revokeSigningKey, rotateDue, startRotation } from './rotation.ts'
export {
  createSealer,
  newWrappingKey,
  parseWrappingKeys,
  type SealedFor,
  type Sealer,
  type WrappingKey,
} from './sealing.ts'
export { activeKey, jwks, listSigningKeys, lookup, publicKeys, type SigningKeyRecord } from './signing_keys.ts'
export { type PresentedToken, verifyPresented } from './verify_presented.ts'
