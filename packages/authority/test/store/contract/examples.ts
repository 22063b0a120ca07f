import { randomBytes } from 'node:crypto'
import type { AuditRecord, Command, RowOf, Step } from '../../../src/store/index.ts'

export function newOrganization(): string {
  return `org_${randomBytes(16).toString('base64url')}`
}

export function newName(prefix = 'x'): string {
  return `${prefix}_${randomBytes(16).toString('base64url')}`
}

export function auditRecord(more: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: newName('aud'),
    atMs: 1_700_000_000_000,
    leaf: bytes('leaf'),
    leafHash: bytes('hash'),
    values: [],
    ...more,
  }
}

export function command(organization: string, ...steps: Step[]): Command {
  return { organization, steps, audit: auditRecord() }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function replayId(id: string, expiresAt = 2_000_000_000): Step {
  return {
    do: 'insert',
    table: 'replay_ids',
    row: { kind: 'assertion', id, expires_at: expiresAt },
    otherwise: 'assertion_replayed',
  }
}

export function person(id: string, name = 'Ada'): RowOf<'people'> {
  return { id, name, permissions: '[]', created_at_ms: 1 }
}

export function insertPerson(id: string, name?: string): Step {
  return { do: 'insert', table: 'people', row: person(id, name), otherwise: 'conflict' }
}

export function agent(id: string, handle: string): RowOf<'agents'> {
  return {
    id,
    handle,
    spiffe_id: `spiffe://acme.example/agent/${handle}`,
    owner: 'psn_1',
    purpose: 'tests',
    version: '1',
    capabilities: '[]',
    permissions: '[]',
    credential_policy: '{}',
    status: 'active',
    created_at_ms: 1,
  }
}

export function insertAgent(id: string, handle: string): Step {
  return { do: 'insert', table: 'agents', row: agent(id, handle), otherwise: 'handle_taken' }
}

export function credential(id: string, more: Partial<RowOf<'credentials'>> = {}): RowOf<'credentials'> {
  return {
    id,
    holder: 'agt_1',
    instance: null,
    kind: 'public_key',
    kid: null,
    alg: null,
    public_jwk: null,
    secret_hash: null,
    scope: null,
    created_at_ms: 1,
    not_before: 0,
    expires_at: null,
    last_used_at_ms: null,
    ended_at_ms: null,
    ...more,
  }
}

export function lease(point: string, more: Partial<RowOf<'leases'>> = {}): RowOf<'leases'> {
  return {
    resource: 'rsc_1',
    point,
    staleness_ms: 10_000,
    seen_at_ms: 1,
    acknowledged_seq: 0,
    acknowledged_at_ms: 1,
    ...more,
  }
}

export function organizationRow(handle: string): RowOf<'organizations'> {
  return {
    handle,
    issuer: `https://${handle}.example`,
    trust_domain: `${handle}.example`,
    display_name: handle,
    signing_algorithm: 'ES256',
    created_at_ms: 1,
    suspended_at_ms: null,
  }
}

export function end(id: string, more: Partial<Extract<Step, { do: 'end' }>> = {}): Step {
  return { do: 'end', id, kind: 'agent', final: false, cause: 'test', atMs: 5, forgetAfter: 4_000_000_000, ...more }
}

export function alive(...lineage: Array<[id: string, epoch: number]>): Step {
  return { do: 'alive', lineage, otherwise: 'revoked' }
}
