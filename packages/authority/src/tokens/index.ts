export { type ApiCaller, authenticateApiCall } from './api_call.ts'
export { checkSealed } from './check_sealed.ts'
export { firstSigningKeySteps } from './first_key.ts'
export { joinLineages, lineageStands, stampLineage } from './lineage.ts'
export { type MintedToken, mint, type NewToken } from './mint.ts'
export { type ProvenKey, proveKey } from './prove_key.ts'
export { revokeSigningKey } from './revoke_key.ts'
export { rotateDue } from './rotate_due.ts'
export { newSigningKey } from './rotation.ts'
export {
  createSealer,
  newWrappingKey,
  parseWrappingKeys,
  type Sealer,
} from './sealing.ts'
export { firstSecretSteps, organizationSecret } from './secrets.ts'
export {
  activeKey,
  forgetKeyStates,
  jwks,
  jwksMaxAgeSeconds,
  listSigningKeys,
  lookup,
  type SigningKeyRecord,
} from './signing_keys.ts'
export { fullLineage, type PresentedToken, verifyPresented } from './verify_presented.ts'
