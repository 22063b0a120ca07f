/**
 * Every table of the authority, in the types a row has in TypeScript.
 *
 * Each table leads with `organization`: the store adds it to every write and every read, so that no statement can reach
 * another tenant's rows. Times ending in `_ms` are Unix milliseconds, others Unix seconds. Columns holding JSON are text
 * here and are parsed by the folder that owns the table.
 */
export type Tables = {
  organizations: {
    organization: string
    handle: string
    issuer: string
    trust_domain: string
    display_name: string
    signing_algorithm: string
    created_at_ms: number
    /** Since when the installation holds it stopped; null: it does not. */
    suspended_at_ms: number | null
  }
  /** Where each revocable thing stands. A token is dead when its epoch for an id is below the one here, or `alive` is 0. */
  standing: {
    organization: string
    id: string
    kind: string
    epoch: number
    alive: 0 | 1
    final: 0 | 1
    /** When it last ended or came back. */
    since_ms: number
  }
  /** The revocation facts, in commit order, without gaps. */
  facts: {
    organization: string
    seq: number
    id: string
    epoch: number
    cause: string
    at_ms: number
    forget_after: number
  }
  /** One row an organization: the last `seq` given, and the incarnation, which only rises. */
  heads: { organization: string; seq: number; incarnation: number }
  signing_keys: {
    organization: string
    id: string
    alg: string
    public_jwk: string
    sealed: string
    state: 'prepared' | 'published' | 'active' | 'retired' | 'revoked'
    prepared_at_ms: number
    published_at_ms: number | null
    activated_at_ms: number | null
    retired_at_ms: number | null
    revoked_at_ms: number | null
  }
  /** Small secrets of an organization, sealed (the DPoP nonce key). */
  secrets: { organization: string; name: string; sealed: string; created_at_ms: number }
  administrators: {
    organization: string
    id: string
    name: string
    secret_hash: string
    created_at_ms: number
    ended_at_ms: number | null
  }
  people: { organization: string; id: string; name: string; permissions: string; created_at_ms: number }
  agents: {
    organization: string
    id: string
    handle: string
    spiffe_id: string
    owner: string
    purpose: string
    version: string
    capabilities: string
    permissions: string
    credential_policy: string
    status: 'active' | 'suspended' | 'retired'
    created_at_ms: number
  }
  instances: {
    organization: string
    id: string
    agent: string
    spiffe_id: string
    version: string
    created_at_ms: number
    expires_at: number
  }
  credentials: {
    organization: string
    id: string
    /** The agent or person this credential proves. */
    holder: string
    instance: string | null
    kind: 'public_key' | 'client_secret' | 'api_key'
    kid: string | null
    alg: string | null
    public_jwk: string | null
    secret_hash: string | null
    /** A ceiling on what tokens obtained with this credential may carry; null: none of its own. */
    scope: string | null
    created_at_ms: number
    not_before: number
    expires_at: number | null
    last_used_at_ms: number | null
    ended_at_ms: number | null
  }
  resources: {
    organization: string
    id: string
    audience: string
    name: string
    kind: 'api' | 'mcp'
    scopes: string
    tools: string
    proof_mode: 'required' | 'optional'
    max_staleness_ms: number
    when_stale: string
    harmless_scopes: string
    accepts_attested: 0 | 1
    operator: string | null
    created_at_ms: number
  }
  delegations: {
    organization: string
    id: string
    hash: string
    parent_hash: string | null
    statement: string
    evidence: string
    principal: string
    delegator: string
    delegate: string
    /** Who said so, of an attested statement. */
    attested_by: string | null
    /** 0 for a root. */
    depth: number
    /** JSON `[[id, epoch], …]` stamped at registration, the parent's included. */
    lineage: string
    /** The earliest end of the statement, the key that signed it, and everything above. */
    expires_at: number
    created_at_ms: number
  }
  /** Things that may happen once: assertion and proof ids, used challenges. `expires_at`: expiry plus tolerance. */
  replay_ids: { organization: string; kind: string; id: string; expires_at: number }
  /** The lease an enforcement point holds, and how far it has acknowledged. */
  leases: {
    organization: string
    resource: string
    point: string
    staleness_ms: number
    seen_at_ms: number
    acknowledged_seq: number
    acknowledged_at_ms: number
  }
  /** Durable with its command; `position`, its place in the log, is given afterwards by the sequencer. */
  audit_records: {
    organization: string
    id: string
    leaf: Uint8Array
    leaf_hash: Uint8Array
    at_ms: number
    position: number | null
  }
  /** What a leaf commits to, beside the log, erasable. */
  audit_values: { organization: string; record: string; name: string; salt: Uint8Array; value: string }
  log_heads: { organization: string; size: number; root: Uint8Array; frontier: string; at_ms: number }
}

export type TableName = keyof Tables

/** A row without its organization, which the store supplies. */
export type RowOf<T extends TableName> = Omit<Tables[T], 'organization'>
