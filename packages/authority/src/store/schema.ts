import type { TableName, Tables } from './tables.ts'

/** The kind of a column; a question mark says that it may be null. */
export type ColumnKind = 'text' | 'text?' | 'integer' | 'integer?' | 'bytes'

type KindOf<Value> = [Value] extends [string]
  ? 'text'
  : [Value] extends [string | null]
    ? 'text?'
    : [Value] extends [number]
      ? 'integer'
      : [Value] extends [number | null]
        ? 'integer?'
        : 'bytes'

type Shape<T extends TableName> = {
  columns: { [C in keyof Tables[T]]: KindOf<Tables[T][C]> }
  /** Of the primary key, after `organization`. */
  key: ReadonlyArray<keyof Tables[T] & string>
  /** What else is unique in the organization. */
  unique: ReadonlyArray<ReadonlyArray<keyof Tables[T] & string>>
  /** What is unique across organizations. */
  uniqueEverywhere?: ReadonlyArray<ReadonlyArray<keyof Tables[T] & string>>
}

/**
 * The tables as data: the only source of the names that reach SQL. The types hold it equal to `Tables`, and the contract
 * suite holds it equal to what the migrations make.
 */
export const schema: { readonly [T in TableName]: Shape<T> } = {
  organizations: {
    columns: {
      organization: 'text',
      handle: 'text',
      issuer: 'text',
      trust_domain: 'text',
      display_name: 'text',
      signing_algorithm: 'text',
      created_at_ms: 'integer',
      suspended_at_ms: 'integer?',
    },
    key: [],
    unique: [],
    uniqueEverywhere: [['handle'], ['issuer'], ['trust_domain']],
  },
  standing: {
    columns: {
      organization: 'text',
      id: 'text',
      kind: 'text',
      epoch: 'integer',
      alive: 'integer',
      final: 'integer',
      since_ms: 'integer',
    },
    key: ['id'],
    unique: [],
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
    key: ['seq'],
    unique: [],
  },
  heads: { columns: { organization: 'text', seq: 'integer', incarnation: 'integer' }, key: [], unique: [] },
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
    key: ['id'],
    unique: [],
  },
  secrets: {
    columns: { organization: 'text', name: 'text', sealed: 'text', created_at_ms: 'integer' },
    key: ['name'],
    unique: [],
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
    key: ['id'],
    unique: [],
  },
  people: {
    columns: { organization: 'text', id: 'text', name: 'text', permissions: 'text', created_at_ms: 'integer' },
    key: ['id'],
    unique: [],
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
    key: ['id'],
    unique: [['handle'], ['spiffe_id']],
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
    key: ['id'],
    unique: [['spiffe_id']],
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
    key: ['id'],
    unique: [['holder', 'kid']],
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
    key: ['id'],
    unique: [['audience']],
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
      attested_by: 'text?',
      depth: 'integer',
      lineage: 'text',
      expires_at: 'integer',
      created_at_ms: 'integer',
    },
    key: ['id'],
    unique: [['hash']],
  },
  replay_ids: {
    columns: { organization: 'text', kind: 'text', id: 'text', expires_at: 'integer' },
    key: ['kind', 'id'],
    unique: [],
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
    key: ['resource', 'point'],
    unique: [],
  },
  audit_records: {
    columns: {
      organization: 'text',
      id: 'text',
      leaf: 'bytes',
      leaf_hash: 'bytes',
      at_ms: 'integer',
      position: 'integer?',
    },
    key: ['id'],
    unique: [['position']],
  },
  audit_values: {
    columns: { organization: 'text', record: 'text', name: 'text', salt: 'bytes', value: 'text' },
    key: ['record', 'name'],
    unique: [],
  },
  log_heads: {
    columns: { organization: 'text', size: 'integer', root: 'bytes', frontier: 'text', at_ms: 'integer' },
    key: [],
    unique: [],
  },
}

/** A table as the statement compiler sees it. */
export type TableShape = {
  columns: Readonly<Record<string, ColumnKind>>
  key: readonly string[]
  unique: ReadonlyArray<readonly string[]>
  uniqueEverywhere?: ReadonlyArray<readonly string[]>
}

export function shapeOf(table: TableName): TableShape {
  const shape: TableShape | undefined = Object.hasOwn(schema, table) ? schema[table] : undefined
  if (!shape) throw new TypeError('The store has no such table.')
  return shape
}

/** Every set of columns that can hold one value once, with `organization` where it is part of it. */
export function uniqueKeysOf(table: TableName): string[][] {
  const { key, unique, uniqueEverywhere } = shapeOf(table)
  const within = [key, ...unique].map((columns) => ['organization', ...columns])
  return [...within, ...(uniqueEverywhere ?? []).map((columns) => [...columns])]
}
