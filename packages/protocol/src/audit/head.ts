import { decode } from '../base64url.ts'
import { isId } from '../identifiers.ts'
import type { JsonObject } from '../json.ts'
import { type KeyLookup, readJws, signJws, verifyJws } from '../jws.ts'
import type { SigningKey } from '../keys.ts'
import { equal, Frontier, leafHash } from '../merkle.ts'
import { refuse } from '../refusals.ts'
import { checkShape, sha256Text, text, whole } from '../shape.ts'

/** What a log consisted of at `at_ms`: its size and the RFC 6962 root over all its leaves (base64url). */
export type LogHead = { iss: string; org: string; size: number; root: string; at_ms: number }

const typ = 'log-head+jwt'

const shape = {
  required: {
    iss: text((value) => value.length > 0 && value.length <= 512),
    org: text((value) => isId(value, 'org')),
    size: whole(0),
    root: sha256Text,
    at_ms: whole(0),
  },
}

/** A signed log head: a compact JWS of typ `log-head+jwt`. */
export function signLogHead(key: SigningKey, head: LogHead): Promise<string> {
  return signJws(key, { typ }, head)
}

/**
 * Refuses `type_mismatch`, `issuer_untrusted`, `key_unknown`, what `verifyJws` refuses, and `malformed` for anything that is not
 * the head of a log.
 *
 * @param trust the one issuer whose log this is, and its keys.
 */
export async function verifyLogHead(compact: string, trust: { issuer: string; keys: KeyLookup }): Promise<LogHead> {
  const jws = readJws(compact)
  if (jws.header.typ !== typ) refuse('type_mismatch')
  if (jws.payload.iss !== trust.issuer) refuse('issuer_untrusted')
  const key = await trust.keys(trust.issuer, jws.header.kid)
  if (!key) refuse('key_unknown')
  await verifyJws(jws, key)
  return checkShape(jws.payload as JsonObject, shape, 'malformed', 'log head') as LogHead
}

/** A record as it is served: `leaf` is the base64url of its exact bytes. */
export type ServedRecord = { position: number; leaf: string }

/**
 * Recomputes a whole log from its records, in the order of their positions, and holds it against its head. Records beyond the head's
 * size are left alone: they came later.
 *
 * Refuses `log_mismatch` when a place is missing or doubled, when there are fewer records than the head says, or when the root
 * differs; the detail names the first place that is wrong, where one place can be named.
 */
export async function verifyLog(
  records: Iterable<ServedRecord> | AsyncIterable<ServedRecord>,
  head: LogHead,
): Promise<void> {
  const frontier = new Frontier()
  for await (const { position, leaf } of records) {
    if (frontier.size === head.size) break
    if (position !== frontier.size) refuse('log_mismatch', { detail: `position ${frontier.size}: missing` })
    await frontier.append(await leafHash(decode(leaf)))
  }
  if (frontier.size < head.size) refuse('log_mismatch', { detail: `position ${frontier.size}: missing` })
  const root = await frontier.root()
  if (!equal(root, decode(head.root))) refuse('log_mismatch', { detail: 'root: not the one in the signed head' })
}
