/**
 * The one signed form of revocation news: snapshot pages, stream events, heartbeats and cacheable batches are all this
 * (JWS, `typ: revocations+jwt`).
 */

import { isAudience, isId } from '../identifiers.ts'
import { isJsonArray, type JsonObject, type JsonValue } from '../json.ts'
import { type KeyLookup, readJws, signJws, verifyJws } from '../jws.ts'
import type { SigningKey } from '../keys.ts'
import { refuseAtUse as refuse } from '../refusals/at_use.ts'
import { isScope } from '../scopes.ts'
import { checkShape, listOf, matching, oneOf, type Shape, text, whole } from '../shape.ts'
import { type Fact, factShape } from './revocation_map.ts'

/**
 * What an enforcement point does when its lease is over: refuse; ask the authority about each token; or go on, until tokens expire,
 * with calls that need nothing beyond the scopes of harmless reads.
 */
export type WhenStale = 'refuse' | 'introspect' | 'harmless_reads'

export type Batch = {
  iss: string
  org: string
  /** Only rises; a restore raises it. Sequence numbers of two incarnations are not comparable. */
  incarnation: number
  /** All facts with `after` < seq <= `to` that are still relevant. `after` = `to`: a heartbeat. */
  after: number
  to: number
  /** The highest sequence number there was at `at_ms`. */
  head: number
  facts: Fact[]
  /** The authority's clock, in milliseconds, read before it read the head. */
  at_ms: number
  /** What the asker sent, to time a round trip by. */
  nonce?: string
  /** How long, from `at_ms`, the verifier may go on without further news. Absent in batches that anybody may cache. */
  lease_ms?: number
  /** The audience the lease is granted for. */
  resource?: string
  /** Granted with the lease, and never without one. Absent: `refuse`. */
  when_stale?: WhenStale
  /** With `harmless_reads`, and only then. */
  harmless_scopes?: string[]
}

const type = 'revocations+jwt'

/** 8 MiB: about 40,000 facts. */
const mostBytes = 8 * 1024 * 1024

const batchShape: Shape = {
  required: {
    iss: text(isAudience),
    org: text((value) => isId(value, 'org')),
    incarnation: whole(1),
    after: whole(0),
    to: whole(0),
    head: whole(0),
    facts: isJsonArray,
    at_ms: whole(0),
  },
  optional: {
    nonce: matching(/^[\x21-\x7e]{1,128}$/),
    lease_ms: whole(0, 86_400_000),
    resource: text(isAudience),
    when_stale: oneOf('refuse', 'introspect', 'harmless_reads'),
    harmless_scopes: listOf(text(isScope), 0, 64),
  },
}

/** Signs a batch after checking its form; refuses `feed_invalid`. */
export async function signBatch(key: SigningKey, batch: Batch): Promise<string> {
  return signJws(key, { typ: type }, checkBatch(batch as unknown as JsonValue) as unknown as JsonObject)
}

/**
 * Verifies a batch of one issuer (and organization, when given). Refuses `type_mismatch`, `issuer_untrusted`, `key_unknown`,
 * `algorithm_not_allowed`, `signature_invalid`, `feed_invalid`, and what parsing refuses.
 */
export async function verifyBatch(
  compact: string,
  checks: { keys: KeyLookup; issuer: string; organization?: string },
): Promise<Batch> {
  const jws = readJws(compact, { maxBytes: mostBytes })
  if (jws.header.typ !== type) refuse('type_mismatch')
  if (jws.payload.iss !== checks.issuer) refuse('issuer_untrusted')
  const key = await checks.keys(checks.issuer, jws.header.kid)
  if (!key) refuse('key_unknown')
  await verifyJws(jws, key)
  const batch = checkBatch(jws.payload)
  if (checks.organization !== undefined && batch.org !== checks.organization) refuse('issuer_untrusted')
  return batch
}

function checkBatch(value: JsonValue): Batch {
  const batch = checkShape(value, batchShape, 'feed_invalid', 'batch') as unknown as Batch
  if (batch.after > batch.to || batch.to > batch.head)
    refuse('feed_invalid', { detail: 'batch: after, to and head disagree' })
  const { when_stale, harmless_scopes, lease_ms, resource } = batch
  const granted = lease_ms !== undefined && resource !== undefined
  const isWhole = (harmless_scopes !== undefined) === (when_stale === 'harmless_reads')
  if ((when_stale !== undefined && !granted) || !isWhole)
    refuse('feed_invalid', { detail: 'batch.when_stale: not valid' })
  let last = batch.after
  for (const fact of batch.facts) {
    checkShape(fact as unknown as JsonValue, factShape, 'feed_invalid', 'fact')
    if (fact.seq <= last || fact.seq > batch.to)
      refuse('feed_invalid', { detail: 'batch: facts out of order or range' })
    last = fact.seq
  }
  return batch
}
