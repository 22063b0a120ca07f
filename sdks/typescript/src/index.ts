export {
  type Algorithm,
  type Constraint,
  isRefusal,
  type JsonObject,
  Refusal,
  type RefusalCode,
  type SigningKey,
} from '@credence/protocol'
export type { AccessToken } from './agent/access_token.ts'
export { type Agent, type AgentOptions, type Called, createAgent, type Wanted } from './agent/agent.ts'
export type { ClientCredential } from './agent/authority.ts'
export { delegateAs, type Handover } from './agent/delegate.ts'
export type { Delegation } from './agent/delegation.ts'
export { AgentKey } from './agent/key.ts'
export type { Clock, Fetch, Runtime } from './runtime.ts'
