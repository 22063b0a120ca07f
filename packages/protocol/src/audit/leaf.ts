/**
 * Leaves of the audit log, format v1: final from the first record. A leaf is the JCS (RFC 8785) of a closed object; its RFC 6962 hash is
 * its place in the log. Ids, codes and hashes stand in it in the clear; people, arguments and free text only as commitments, so that erasing
 * a value and its salt erases it while the log still verifies.
 */

import { canonicalize, isCanonical } from '../canonical.ts'
import { isId } from '../identifiers.ts'
import { decodeUtf8, isJsonObject, type JsonValue, parseJson } from '../json.ts'
import { refuseAtUse as refuse } from '../refusals/at_use.ts'
import { type Check, checkShape, matching, oneOf, type Shape, sha256Text, text, whole } from '../shape.ts'

export const leafTypes = [
  'administrator.added',
  'administrator.ended',
  'agent.changed',
  'agent.registered',
  'credential.added',
  'credential.ended',
  'decision.made',
  'delegation.registered',
  'instance.ended',
  'instance.started',
  'key.ended',
  'key.enrolled',
  'organization.changed',
  'organization.created',
  'person.changed',
  'person.registered',
  'refusals.counted',
  'resource.changed',
  'resource.registered',
  'revocation.made',
  'signing_key.changed',
  'standing.restored',
  'token.exchanged',
  'token.issued',
  'token.refused',
] as const

export type LeafType = (typeof leafTypes)[number]

export type Leaf = {
  v: 1
  /** `aud_` id. */
  id: string
  org: string
  /** Milliseconds since 1970. */
  at_ms: number
  type: LeafType
  /** Who acted: `adm_`, `agt_` or `psn_` id. */
  by?: string
  agent?: string
  instance?: string
  version?: string
  principal?: string
  /** Hashes of the statements, root first. */
  chain?: string[]
  /** Audience. */
  resource?: string
  action?: string
  scope?: string
  decision?: 'permit' | 'deny' | 'needs_approval'
  /** Codes. */
  reasons?: string[]
  policy?: string
  approval?: string
  outcome?: 'done' | 'refused' | 'failed'
  task?: string
  sid?: string
  /** The token's `jti`. */
  token?: string
  /** Id of what was acted on. */
  subject?: string
  trace_id?: string
  begun_by?: 'person' | 'prompt'
  /** A code, not a sentence. */
  cause?: string
  count?: number
  /** By name of what is committed to (`commit`). */
  commitments?: Record<string, string>
}

/** Visible ASCII without spaces: ids, URIs, codes. What does not fit is free text, and belongs in a commitment. */
const word: Check = matching(/^[\x21-\x7e]{1,512}$/)
const name = /^[a-z][a-z0-9_]{0,63}$/

const leafShape: Shape = {
  required: {
    v: (value) => value === 1,
    id: text((value) => isId(value, 'aud')),
    org: text((value) => isId(value, 'org')),
    at_ms: whole(0),
    type: oneOf(...leafTypes),
  },
  optional: {
    by: word,
    agent: word,
    instance: word,
    version: word,
    principal: word,
    chain: manyOf(sha256Text, 8),
    resource: word,
    action: word,
    scope: matching(/^[\x20-\x7e]{1,16448}$/),
    decision: oneOf('permit', 'deny', 'needs_approval'),
    reasons: manyOf(word, 64),
    policy: word,
    approval: word,
    outcome: oneOf('done', 'refused', 'failed'),
    task: word,
    sid: word,
    token: word,
    subject: word,
    trace_id: matching(/^[0-9a-f]{32}$/),
    begun_by: oneOf('person', 'prompt'),
    cause: word,
    count: whole(0),
    commitments: (value) =>
      isJsonObject(value) && Object.entries(value).every(([of, hash]) => name.test(of) && sha256Text(hash)),
  },
}

const encoder = new TextEncoder()

/** A leaf's bytes. Refuses `malformed` what is not of the format; members that are undefined are left out. */
export function encodeLeaf(leaf: Leaf): Uint8Array {
  const given: Record<string, JsonValue> = {}
  for (const member of Object.keys(leaf) as Array<keyof Leaf>) {
    const value = leaf[member]
    if (value !== undefined) given[member] = value
  }
  return encoder.encode(canonicalize(checkShape(given, leafShape, 'malformed', 'leaf')))
}

/** The leaf of these bytes, at most 64 KiB. Refuses `malformed`, `non_canonical`, and what parsing refuses. */
export function decodeLeaf(bytes: Uint8Array): Leaf {
  const maxBytes = 65_536
  if (bytes.length > maxBytes) refuse('too_large')
  const json = decodeUtf8(bytes)
  const value = parseJson(json, { maxBytes })
  if (!isCanonical(json, value)) refuse('non_canonical')
  return checkShape(value, leafShape, 'malformed', 'leaf') as unknown as Leaf
}

function manyOf(check: Check, most: number): Check {
  return (value: JsonValue) => Array.isArray(value) && value.length >= 1 && value.length <= most && value.every(check)
}
