import {
  base64url,
  type Leaf,
  type LogHead,
  leafHash,
  verifyInclusion,
  verifyLog,
  verifyLogHead,
} from '@credence/protocol'
import type { Connection } from './connection.ts'
import { Failure } from './failure.ts'
import { keysOf } from './key_set.ts'

/** A record as the API gives it. `leaf_bytes` is what is hashed; `leaf` only reads better. */
export type AuditRecord = {
  position: number
  id: string
  leaf: Leaf
  leaf_bytes: string
  leaf_hash: string
  values: Record<string, { value: unknown; salt: string }>
}

type RecordPage = { records: AuditRecord[]; next_after?: number }
type Proof = { position: number; leaf_hash: string; size: number; proof: string[]; signed: string }

/** Records in the order of the log, page by page, from after a position on. */
export async function* readRecords(
  api: Connection,
  query: Record<string, string | undefined> = {},
  after = -1,
): AsyncGenerator<AuditRecord> {
  const filters = Object.entries(query).filter((each): each is [string, string] => each[1] !== undefined)
  for (let from: number | undefined = after; from !== undefined; ) {
    const search = new URLSearchParams([...filters, ['after', String(from)], ['limit', '500']])
    const page: RecordPage = await api.get(`/v1/audit/records?${search}`)
    requirePage(page, from)
    yield* page.records
    from = page.next_after
  }
}

/** An authority that is checked is not believed to come to an end, or to answer with what it should. */
function requirePage(page: unknown, from: number): asserts page is RecordPage {
  const { records, next_after: next } = (page ?? {}) as { records?: unknown; next_after?: unknown }
  const isWhole = Array.isArray(records) && records.every((record) => typeof record?.leaf_bytes === 'string')
  const goesOn = next === undefined || (Number.isSafeInteger(next) && (next as number) > from)
  if (!isWhole || !goesOn) {
    throw new Failure('answer_unreadable', 'The authority answered with a page of its records that is not one.')
  }
}

/** The head of the log, its signature checked. */
export async function readHead(api: Connection): Promise<LogHead> {
  const { signed } = await api.get<{ signed: string }>('/v1/audit/head')
  return verifyLogHead(signed, { issuer: api.issuer, keys: await keysOf(api.issuer) })
}

/**
 * Recomputes the log from its records' own bytes and holds it against the signed head.
 *
 * @throws Refusal `log_mismatch`, and what an unsigned or foreign head is refused with
 */
export async function checkLog(api: Connection, see?: (record: AuditRecord) => void): Promise<LogHead> {
  const head = await readHead(api)
  const served = async function* () {
    for await (const record of readRecords(api)) {
      see?.(record)
      yield { position: record.position, leaf: record.leaf_bytes }
    }
  }
  await verifyLog(served(), head)
  return head
}

/** Proves that one record is in the log that the signed head speaks of: its own bytes, hashed here, lead to the signed root. */
export async function proveRecord(
  api: Connection,
  id: string,
): Promise<{ record: AuditRecord; head: LogHead; path: string[] }> {
  const proof = await api.get<Proof>(`/v1/audit/records/${encodeURIComponent(id)}/proof`)
  const head = await verifyLogHead(proof.signed, { issuer: api.issuer, keys: await keysOf(api.issuer) })
  const record = await recordAt(api, proof.position)
  const included =
    record?.id === id &&
    (await verifyInclusion({
      index: proof.position,
      size: head.size,
      leafHash: await leafHash(base64url.decode(record.leaf_bytes)),
      proof: proof.proof.map((sibling) => base64url.decode(sibling)),
      root: base64url.decode(head.root),
    }))
  if (!included) {
    throw new Failure(
      'log_mismatch',
      'The proof does not lead from the record to the signed root.',
      'Keep what the authority served: it is evidence that the log was changed.',
    )
  }
  return { record, head, path: proof.proof }
}

async function recordAt(api: Connection, position: number): Promise<AuditRecord | undefined> {
  const page = await api.get(`/v1/audit/records?after=${position - 1}&limit=1`)
  requirePage(page, position - 1)
  return page.records.find((record) => record.position === position)
}
