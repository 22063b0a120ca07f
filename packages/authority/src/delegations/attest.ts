import { type Constraint, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { RegisteredChain } from './registered_chain.ts'

/** A hand-over the authority states itself, because an administrator says the delegator consented. */
export type Attestation = {
  /** psn_ or agt_ id, or an agent's SPIFFE ID. */
  delegator: string
  /** An agent's or instance's id, handle or SPIFFE ID. */
  delegate: string
  aud: string[]
  onward?: string[]
  scope: string
  constraints?: Constraint[]
  /** Seconds; 24 h unless chosen, 90 days at most. */
  lifetimeSeconds?: number
  maxDepth?: number
  task?: string
  /** Hash of the parent statement, when the delegator hands on. */
  parent?: string
  /** The administrator. */
  by: string
}

/** Signs and registers an attested statement. */
export async function attest(
  _services: Services,
  _organization: Organization,
  _attestation: Attestation,
): Promise<RegisteredChain> {
  return refuse('internal_error')
}
