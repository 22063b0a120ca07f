export { type Attestation, attest } from './attest.ts'
export { findDelegation, listDelegations, loadChain, statementByHash } from './find.ts'
export { registerChain } from './register.ts'
export type { PreparedChain, Principal, RegisteredChain, RegisteredHop } from './registered_chain.ts'
