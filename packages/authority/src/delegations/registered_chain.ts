import type { Evidence, Lineage, Statement } from '@credence/protocol'
import type { Step } from '../store/port.ts'

/** On whose behalf. `id` is what stands in statements and in `sub`: a SPIFFE ID for an agent, else the typed id. */
export type Principal = { kind: 'person' | 'service' | 'organization' | 'agent'; id: string }

export type RegisteredHop = { id: string; hash: string; statement: Statement; compact: string; evidence: Evidence }

/** A chain the authority knows, root first. `lineage`: of the leaf, its ancestors' included, with the epochs stamped at registration. */
export type RegisteredChain = { hops: RegisteredHop[]; principal: Principal; lineage: Lineage }

/** A checked chain and the rows that make its unknown hops known; they belong into the command that relies on it. */
export type PreparedChain = RegisteredChain & { steps: Step[]; fresh: string[] }
