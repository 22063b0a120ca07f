import { setImmediate as letOthersRun } from 'node:timers/promises'
import { base64url, inclusionProof, type JsonValue, type Leaf, type LogHead, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { OrganizationReads } from '../store/port.ts'
import type { RowOf } from '../store/tables.ts'
import { sequence } from './sequencer.ts'

type Needed = Pick<Services, 'store' | 'clock'>

/** A record in its place. `values`: what its commitments commit to, where not erased. */
export type PlacedRecord = {
  position: number
  leaf: Leaf
  leafBytes: Uint8Array
  leafHash: Uint8Array
  values: Array<{ name: string; salt: Uint8Array; value: JsonValue }>
}

export type RecordFilter = {
  agent?: string | undefined
  principal?: string | undefined
  type?: string | undefined
  task?: string | undefined
  /** The id of a delegation, or the hash of its statement. */
  delegation?: string | undefined
}

const pageSize = 500
/** Records looked at for one page; a filter that matches little gives short pages, each with the cursor to go on from. */
const mostScanned = 5_000
const mostValuesPerRecord = 32

/** The log as it stands, all that was durable before this call in it. Its first record is the organization's own. */
export async function readHead(services: Needed, organization: Organization): Promise<LogHead> {
  await sequence(services, organization.id)
  const head = await services.store.of(organization.id).get('log_heads', {})
  if (!head) return refuse('not_found')
  return {
    iss: organization.issuer,
    org: organization.id,
    size: head.size,
    root: base64url.encode(head.root),
    at_ms: head.at_ms,
  }
}

/** Records after a position, in their places. `next`: the position to go on after; absent at the end of the log. */
export async function readRecords(
  services: Needed,
  organization: Organization,
  { after, limit, filter = {} }: { after: number; limit: number; filter?: RecordFilter },
): Promise<{ records: PlacedRecord[]; next?: number }> {
  await sequence(services, organization.id)
  const reads = services.store.of(organization.id)
  const matches = await matching(reads, filter)
  const found: RowOf<'audit_records'>[] = []
  let scanned = 0
  let at = after
  for (;;) {
    const rows = await reads.list('audit_records', { order: { by: 'position' }, after: at, limit: pageSize })
    for (const row of rows) {
      at = row.position ?? at
      if (matches(row)) found.push(row)
      if (found.length === limit) return { records: await withValues(reads, found), next: at }
    }
    scanned += rows.length
    if (rows.length < pageSize) return { records: await withValues(reads, found) }
    if (scanned >= mostScanned) return { records: await withValues(reads, found), next: at }
    // A store in this process answers at once: without this nobody else would be answered until the last page.
    await letOthersRun()
  }
}

/**
 * Proves that a record is in the log (RFC 9162 section 2.1.3), against the head as it stands.
 *
 * @throws Refusal `not_found`.
 */
export async function proveRecord(services: Needed, organization: Organization, id: string) {
  const head = await readHead(services, organization)
  const reads = services.store.of(organization.id)
  const record = await reads.get('audit_records', { id })
  if (record?.position == null || record.position >= head.size) return refuse('not_found')
  const hashes: Uint8Array[] = []
  while (hashes.length < head.size) {
    const after = hashes.length - 1
    const rows = await reads.list('audit_records', { order: { by: 'position' }, after, limit: pageSize })
    if (rows.length === 0) throw new Error('the log ends before its head')
    hashes.push(...rows.slice(0, head.size - hashes.length).map(({ leaf_hash }) => leaf_hash))
    await letOthersRun()
  }
  const proof = await inclusionProof(hashes, record.position)
  return { position: record.position, leafHash: record.leaf_hash, proof, head }
}

async function matching(
  reads: OrganizationReads,
  filter: RecordFilter,
): Promise<(row: RowOf<'audit_records'>) => boolean> {
  if (Object.values(filter).every((value) => value === undefined)) return () => true
  const { agent, principal, type, task, delegation } = filter
  const hash = delegation?.startsWith('dlg_') ? (await reads.get('delegations', { id: delegation }))?.hash : delegation
  return (row) => {
    const leaf = leafOf(row)
    if (type !== undefined && leaf.type !== type) return false
    if (task !== undefined && leaf.task !== task) return false
    if (agent !== undefined && ![leaf.agent, leaf.by, leaf.subject].includes(agent)) return false
    if (principal !== undefined && ![leaf.principal, leaf.subject].includes(principal)) return false
    if (delegation === undefined) return true
    return leaf.subject === delegation || (hash !== undefined && (leaf.chain ?? []).includes(hash))
  }
}

async function withValues(reads: OrganizationReads, rows: readonly RowOf<'audit_records'>[]): Promise<PlacedRecord[]> {
  const values = rows.length === 0 ? [] : await valuesOf(reads, rows)
  const byRecord = Map.groupBy(values, ({ record }) => record)
  return rows.map((row) => ({
    position: row.position ?? -1,
    leaf: leafOf(row),
    leafBytes: row.leaf,
    leafHash: row.leaf_hash,
    values: (byRecord.get(row.id) ?? []).map(({ name, salt, value }) => {
      return { name, salt, value: JSON.parse(value) as JsonValue }
    }),
  }))
}

function valuesOf(reads: OrganizationReads, rows: readonly RowOf<'audit_records'>[]) {
  return reads.list('audit_values', {
    in: { column: 'record', values: rows.map(({ id }) => id) },
    order: { by: 'record' },
    limit: rows.length * mostValuesPerRecord,
  })
}

/** The bytes are our own, checked and canonical when they were written. */
function leafOf({ leaf }: RowOf<'audit_records'>): Leaf {
  return JSON.parse(new TextDecoder().decode(leaf)) as Leaf
}
