export { addCredential, type NewCredential } from './add_credential.ts'
export {
  type Agent,
  type AgentStatus,
  findAgent,
  findAgentBySpiffeId,
  listAgents,
  type Permission,
  requireAgent,
} from './agent.ts'
export { type AgentChange, changeAgent, transferAgent } from './change.ts'
export {
  type Credential,
  findCredential,
  findCredentialByKid,
  findCredentialBySecret,
  listCredentials,
  publicKeyOf,
  usedSteps,
} from './credential.ts'
export { type CredentialKind, type CredentialPolicy, defaultCredentialPolicy } from './credential_policy.ts'
export { endCredential } from './end_credential.ts'
export { findInstance, type Instance, listInstances } from './instance.ts'
export { type EnrolledKey, publicKeyRow } from './public_key.ts'
export { type NewAgent, registerAgent } from './register.ts'
export { newSecret, readSecret, sameHash } from './secret.ts'
export { type NewInstance, startInstance } from './start_instance.ts'
export { resumeAgent, retireAgent, type Stop, suspendAgent } from './suspend.ts'
export { type Held, unusable, usableUntil } from './usable.ts'
