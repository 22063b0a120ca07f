export type Kind = 'text' | 'text?' | 'integer' | 'integer?' | 'bytes'

export type Table = {
  columns: Record<string, Kind>
  key: string[]
  unique?: Record<string, string[]>
  /** Rows are short and are found by their key: SQLite then keeps them in the key's own tree. */
  inKeyTree?: true
}

/** As of version 1; later steps change what is here, never this file. `audit_records` is made apart. */
export const tables: Record<string, Table> = {
  organizations: {
    columns: {
      organization: 'text',
      handle: 'text',
      issuer: 'text',
      trust_domain: 'text',
      display_name: 'text',
      signing_algorithm: 'text',
      created_at_ms: 'integer',
    },
    key: ['organization'],
    unique: {
      organizations_handle: ['handle'],
      organizations_issuer: ['issuer'],
      organizations_trust_domain: ['trust_domain'],
    },
  },
  standing: {
    columns: { organization: 'text', id: 'text', kind: 'text', epoch: 'integer', alive: 'integer', final: 'integer' },
    key: ['organization', 'id'],
    inKeyTree: true,
  },
  facts: {
    columns: {
      organization: 'text',
      seq: 'integer',
      id: 'text',
      epoch: 'integer',
      cause: 'text',
      at_ms: 'integer',
      forget_after: 'integer',
    },
    key: ['organization', 'seq'],
    inKeyTree: true,
  },
  heads: {
    columns: { organization: 'text', seq: 'integer', incarnation: 'integer' },
    key: ['organization'],
    inKeyTree: true,
  },
  signing_keys: {
    columns: {
      organization: 'text',
      id: 'text',
      alg: 'text',
      public_jwk: 'text',
      sealed: 'text',
      state: 'text',
      prepared_at_ms: 'integer',
      published_at_ms: 'integer?',
      activated_at_ms: 'integer?',
      retired_at_ms: 'integer?',
      revoked_at_ms: 'integer?',
    },
    key: ['organization', 'id'],
  },
  secrets: {
    columns: { organization: 'text', name: 'text', sealed: 'text', created_at_ms: 'integer' },
    key: ['organization', 'name'],
    inKeyTree: true,
  },
  administrators: {
    columns: {
      organization: 'text',
      id: 'text',
      name: 'text',
      secret_hash: 'text',
      created_at_ms: 'integer',
      ended_at_ms: 'integer?',
    },
    key: ['organization', 'id'],
    inKeyTree: true,
  },
  people: {
    columns: { organization: 'text', id: 'text', name: 'text', permissions: 'text', created_at_ms: 'integer' },
    key: ['organization', 'id'],
  },
  agents: {
    columns: {
      organization: 'text',
      id: 'text',
      handle: 'text',
      spiffe_id: 'text',
      owner: 'text',
      purpose: 'text',
      version: 'text',
      capabilities: 'text',
      permissions: 'text',
      credential_policy: 'text',
      status: 'text',
      created_at_ms: 'integer',
    },
    key: ['organization', 'id'],
    unique: { agents_handle: ['organization', 'handle'], agents_spiffe_id: ['organization', 'spiffe_id'] },
  },
  instances: {
    columns: {
      organization: 'text',
      id: 'text',
      agent: 'text',
      spiffe_id: 'text',
      version: 'text',
      created_at_ms: 'integer',
      expires_at: 'integer',
    },
    key: ['organization', 'id'],
    unique: { instances_spiffe_id: ['organization', 'spiffe_id'] },
  },
  credentials: {
    columns: {
      organization: 'text',
      id: 'text',
      holder: 'text',
      instance: 'text?',
      kind: 'text',
      kid: 'text?',
      alg: 'text?',
      public_jwk: 'text?',
      secret_hash: 'text?',
      scope: 'text?',
      created_at_ms: 'integer',
      not_before: 'integer',
      expires_at: 'integer?',
      last_used_at_ms: 'integer?',
      ended_at_ms: 'integer?',
    },
    key: ['organization', 'id'],
    unique: { credentials_kid: ['organization', 'holder', 'kid'] },
  },
  resources: {
    columns: {
      organization: 'text',
      id: 'text',
      audience: 'text',
      name: 'text',
      kind: 'text',
      scopes: 'text',
      tools: 'text',
      proof_mode: 'text',
      max_staleness_ms: 'integer',
      when_stale: 'text',
      harmless_scopes: 'text',
      accepts_attested: 'integer',
      operator: 'text?',
      created_at_ms: 'integer',
    },
    key: ['organization', 'id'],
    unique: { resources_audience: ['organization', 'audience'] },
  },
  delegations: {
    columns: {
      organization: 'text',
      id: 'text',
      hash: 'text',
      parent_hash: 'text?',
      statement: 'text',
      evidence: 'text',
      principal: 'text',
      delegator: 'text',
      delegate: 'text',
      depth: 'integer',
      lineage: 'text',
      expires_at: 'integer',
      created_at_ms: 'integer',
    },
    key: ['organization', 'id'],
    unique: { delegations_hash: ['organization', 'hash'] },
  },
  replay_ids: {
    columns: { organization: 'text', kind: 'text', id: 'text', expires_at: 'integer' },
    key: ['organization', 'kind', 'id'],
  },
  leases: {
    columns: {
      organization: 'text',
      resource: 'text',
      point: 'text',
      staleness_ms: 'integer',
      seen_at_ms: 'integer',
      acknowledged_seq: 'integer',
      acknowledged_at_ms: 'integer',
    },
    key: ['organization', 'resource', 'point'],
    inKeyTree: true,
  },
  audit_values: {
    columns: { organization: 'text', record: 'text', name: 'text', salt: 'bytes', value: 'text' },
    key: ['organization', 'record', 'name'],
    inKeyTree: true,
  },
  log_heads: {
    columns: { organization: 'text', size: 'integer', root: 'bytes', frontier: 'text', at_ms: 'integer' },
    key: ['organization'],
  },
}
