import { type Constraint, parseConstraints } from './constraints.ts'
import { isId, isTask } from './identifiers.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { type Jws, type KeyLookup, readJws, signJws, verifyJws } from './jws.ts'
import type { SigningKey } from './keys.ts'
import { isRefusal, refuseAtUse as refuse } from './refusals/at_use.ts'
import { parseScope } from './scopes.ts'
import { type Check, checkShape, isReadable, listOf, matching, oneOf, text, whole } from './shape.ts'

/** Everything whose end ends the token, each with the epoch it had when the token was issued. */
export type Lineage = ReadonlyArray<readonly [id: string, epoch: number]>

/** Who acts (RFC 8693 §4.1); `act` is who acted before. `sub` and `instance` are SPIFFE IDs. */
export type Actor = { sub: string; instance?: string; act?: Actor }

/** One hop of the chain the token draws on; `hash` is that of its statement. Root first. `exp` in seconds. */
export type ChainHop = {
  delegator: string
  delegate: string
  exp: number
  evidence: 'signed' | 'passkey' | 'attested'
  hash: string
}

/**
 * The claims of an access token (RFC 9068 §2.2 and our own), times in seconds.
 *
 * `sub`: the principal; the agent itself (equal to `client_id`) when it acts for itself. `agent`: the `agt_` id of the
 * client. `instance`: SPIFFE ID of the instance that asked. `max_depth`: how many times more the authority may be
 * handed on.
 */
export type AccessTokenClaims = {
  iss: string
  aud: string
  sub: string
  client_id: string
  jti: string
  iat: number
  exp: number
  scope: string
  org: string
  agent: string
  lineage: Lineage
  cnf?: { jkt: string }
  act?: Actor
  delegation_chain?: ChainHop[]
  authorization_details?: [{ type: 'agent_delegation'; constraints: Constraint[] }]
  task?: string
  sid?: string
  instance?: string
  max_depth?: number
}

export type AccessTokenExpectations = {
  keys: KeyLookup
  /** Whether this issuer is trusted for this audience; the string is as in the token. */
  issuers: (issuer: string) => boolean
  /** The one audience, compared byte for byte; or whether this one will do, for a verifier that serves several. */
  audience: string | ((audience: string) => boolean)
  /** Seconds. */
  now: number
  /** How far clocks may differ, in seconds. Default 5. */
  toleranceSeconds?: number
  /** Longest `exp - iat` believed, in seconds. Default 900. */
  maxLifetime?: number
}

const MAX_ACTORS = 8
const HASH = /^[A-Za-z0-9_-]{43}$/

/** A token travels in a header, beside a proof and others: of all of them, servers commonly read 16 KiB. */
const MAX_ISSUED = 12_288

/**
 * Signs claims as a token of type `at+jwt`. Claims that no verifier would accept are an `internal_error`; a token that would not
 * arrive is refused `too_large`.
 */
export async function signAccessToken(key: SigningKey, claims: AccessTokenClaims): Promise<string> {
  try {
    assertClaims(claims)
  } catch (cause) {
    refuse('internal_error', { cause })
  }
  const token = await signJws(key, { typ: 'at+jwt' }, claims)
  if (token.length > MAX_ISSUED)
    refuse('too_large', { detail: 'The token: ask for less scope, or for fewer constraints.' })
  return token
}

/**
 * Verifies an access token. Whether something in its lineage has been revoked, and whether the caller holds the key it
 * is bound to, is for the caller to check next.
 *
 * Refuses, first failure wins: `token_malformed` or `critical_unsupported`; `type_mismatch`; `issuer_untrusted`;
 * `key_unknown`; `algorithm_not_allowed` or `signature_invalid`; `binding_unknown` or `claims_invalid`;
 * `audience_mismatch`; `token_expired` or `token_not_yet_valid`.
 */
export async function verifyAccessToken(
  token: string,
  expected: AccessTokenExpectations,
): Promise<{ claims: AccessTokenClaims; kid: string }> {
  // An empty expectation would match nothing today and everything after one careless edit.
  if (expected.audience === '') refuse('config_invalid', { detail: 'The audience is empty.' })
  const jws = readToken(token)
  const { kid } = jws.header
  const { iss } = jws.payload
  assertType(jws.header)
  if (typeof iss !== 'string' || !expected.issuers(iss)) refuse('issuer_untrusted')
  const key = kid === undefined ? undefined : await expected.keys(iss, kid)
  if (kid === undefined || key === undefined) refuse('key_unknown')
  await verifyJws(jws, key)
  const claims = assertClaims(jws.payload)
  if (!isAudienceOf(claims, expected.audience)) refuse('audience_mismatch')
  assertTimes(claims, expected)
  return { claims, kid }
}

/** The agents that act, newest first; empty when the subject acts for itself. */
export function actorsOf(claims: Pick<AccessTokenClaims, 'act'>): string[] {
  const actors: string[] = []
  for (let actor = claims.act; actor !== undefined; actor = actor.act) actors.push(actor.sub)
  return actors
}

function isAudienceOf({ aud }: AccessTokenClaims, expected: AccessTokenExpectations['audience']): boolean {
  return typeof expected === 'string' ? aud === expected : expected(aud)
}

function readToken(token: string): Jws {
  try {
    return readJws(token)
  } catch (error) {
    // RFC 6750 §3.1: a malformed token is an invalid_token, whatever is wrong with its form.
    if (isRefusal(error) && error.oauth !== 'invalid_token') refuse('token_malformed', { cause: error })
    throw error
  }
}

function assertType(header: JsonObject): void {
  // RFC 9068 §4 names both spellings. RFC 8725 §3.11: nothing else that is signed has this type.
  if (header.typ !== 'at+jwt' && header.typ !== 'application/at+jwt') refuse('type_mismatch')
  // Nothing else is ever in the header of a token we issue: no jku, jwk, x5u or x5c to be tempted by (RFC 8725 §3.10).
  if (Object.keys(header).length > 3)
    refuse('claims_invalid', { detail: 'The header has a member that is not defined.' })
}

function assertTimes(
  claims: AccessTokenClaims,
  { now, toleranceSeconds = 5, maxLifetime = 900 }: AccessTokenExpectations,
) {
  const lifetime = claims.exp - claims.iat
  if (lifetime <= 0 || lifetime > maxLifetime)
    refuse('claims_invalid', { detail: 'The lifetime is not one that is issued.' })
  if (now >= claims.exp + toleranceSeconds) refuse('token_expired')
  if (claims.iat > now + toleranceSeconds) refuse('token_not_yet_valid')
}

const filled = text((value) => value.length > 0 && value.length <= 2048)
const hop: Check = isOf({
  delegator: filled,
  delegate: filled,
  exp: whole(0),
  evidence: oneOf('signed', 'passkey', 'attested'),
  hash: matching(HASH),
})

const shape = {
  required: {
    iss: filled,
    aud: filled,
    sub: filled,
    client_id: filled,
    jti: text((value) => isId(value, 'tok')),
    iat: whole(0),
    exp: whole(0),
    scope: text(isScopeText),
    org: text((value) => isId(value, 'org')),
    agent: text((value) => isId(value, 'agt')),
    lineage: isLineage,
  },
  optional: {
    cnf: isJsonObject,
    act: (value: JsonValue) => isActor(value, MAX_ACTORS),
    delegation_chain: listOf(hop, 1, MAX_ACTORS),
    authorization_details: isConstrained,
    task: text(isTask),
    sid: text(isTask),
    instance: filled,
    max_depth: whole(0, MAX_ACTORS),
  },
}

function assertClaims(claims: JsonObject): AccessTokenClaims {
  const { cnf } = claims
  // RFC 9449 §6.1. A binding of another kind is a binding that nobody here checks: never the same as none.
  if (cnf !== undefined && !isBinding(cnf)) refuse('binding_unknown')
  const checked = checkShape(claims, shape, 'claims_invalid', 'claims') as AccessTokenClaims
  const { sub, client_id, act, delegation_chain, lineage, org, agent } = checked
  // RFC 8693 §4.1: the outermost actor is the current one, which is the client that asked.
  if ((act?.sub ?? sub) !== client_id) refuse('claims_invalid', { detail: 'The client is neither subject nor actor.' })
  if (delegation_chain && !act) refuse('claims_invalid', { detail: 'There is a chain without an actor.' })
  // Without these two in its lineage the token could not be ended with its organization or agent.
  for (const id of [org, agent]) {
    if (!lineage.some(([named]) => named === id)) refuse('claims_invalid', { detail: 'The lineage is not whole.' })
  }
  return checked
}

function isBinding(cnf: JsonValue): boolean {
  return isJsonObject(cnf) && Object.keys(cnf).length === 1 && typeof cnf.jkt === 'string' && HASH.test(cnf.jkt)
}

function isActor(value: JsonValue | undefined, actorsLeft: number): boolean {
  if (!isJsonObject(value) || actorsLeft === 0) return false
  const { sub, instance, act, ...others } = value
  if (Object.keys(others).length > 0 || sub === undefined || !filled(sub)) return false
  return (instance === undefined || filled(instance)) && (act === undefined || isActor(act, actorsLeft - 1))
}

function isLineage(value: JsonValue): boolean {
  return isJsonArray(value) && value.length > 0 && value.length <= 256 && value.every(isLineageEntry)
}

function isLineageEntry(entry: JsonValue): boolean {
  if (!isJsonArray(entry) || entry.length !== 2) return false
  const [id, epoch] = entry
  return id !== undefined && filled(id) && epoch !== undefined && whole(0)(epoch)
}

function isConstrained(value: JsonValue): boolean {
  if (!isJsonArray(value) || value.length !== 1) return false
  const [detail] = value
  if (!isJsonObject(detail) || detail.type !== 'agent_delegation' || Object.keys(detail).length !== 2) return false
  return detail.constraints !== undefined && isReadable(() => parseConstraints(detail.constraints ?? null))
}

function isScopeText(value: string): boolean {
  return isReadable(() => parseScope(value))
}

function isOf(required: Record<string, Check>): Check {
  return (value) => isReadable(() => checkShape(value, { required }, 'claims_invalid', 'claim'))
}
