export {
  type Agent,
  type AgentStatus,
  findAgent,
  findAgentBySpiffeId,
  listAgents,
  type Permission,
  requireAgent,
} from './agent.ts'
export {
  type Credential,
  findCredential,
  findCredentialByKid,
  findCredentialBySecret,
  listCredentials,
  usedStep,
} from './credential.ts'
export {
  type CredentialKind,
  type CredentialPolicy,
  defaultCredentialPolicy,
} from './credential_policy.ts'
export { findInstance, type Instance, listInstances } from './instance.ts'
export { newSecret, readSecret, sameHash } from './secret.ts'
