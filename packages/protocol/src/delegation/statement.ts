/**
 * Delegation statements: signed words by which a delegator hands a delegate part of its authority. One is a hop of a chain.
 *
 * A JWS (`typ: delegation+jwt`, header members `alg`, `kid`, `typ` only) whose header and payload bytes are JCS (RFC 8785). Its hash is
 * over the signing input and never over the signature, which others could vary (ECDSA is malleable).
 */

import { decode, encode } from '../base64url.ts'
import { isCanonical } from '../canonical.ts'
import { type Constraint, parseConstraints, refuseCumulative } from '../constraints.ts'
import { hashText } from '../digest.ts'
import { isAudience, isId, isTask, newJti, parseSpiffeId } from '../identifiers.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { type Jws, readJws, signJws } from '../jws.ts'
import type { SigningKey } from '../keys.ts'
import { refuseAtUse as refuse } from '../refusals/at_use.ts'
import { parseScope } from '../scopes.ts'
import { type Check, checkShape, isReadable, listOf, matching, oneOf, type Shape, text, whole } from '../shape.ts'

/** What a hop rests on. */
export type Evidence =
  /** The delegator's registered key signed the statement. */
  | { kind: 'signed' }
  /** The authority signed it and says what it saw. `by`: the administrator, person or operator's agent who acted; `token`: the jti it rests on. */
  | { kind: 'attested'; by: string; how: 'administrator' | 'consent' | 'on_behalf_of'; token?: string }
  /** The delegator's authenticator signed it. A known kind that `verifyChain` refuses until it can check the assertion. */
  | ({ kind: 'passkey' } & JsonObject)

export type Statement = {
  /** Delegator: SPIFFE ID of an agent, or `psn_`, `svc_`, `org_` id. */
  iss: string
  /** Principal, the same in every hop; the same forms. */
  sub: string
  /** Who receives: SPIFFE ID of an agent, or of one instance. */
  delegate: string
  /** Issuer URL of the authority it is meant for. */
  authority: string
  /** Resources it may be used at. */
  aud: string[]
  /** Resources that an operator it was used at may go on to on the delegator's behalf. */
  onward?: string[]
  scope: string
  constraints?: Constraint[]
  /** Seconds since 1970, as `exp`. */
  iat: number
  exp: number
  /** Further hops allowed below this one. */
  max_depth: number
  task?: string
  /** The session it is for: like `task`, the same in every hop below. */
  sid?: string
  /** base64url SHA-256 of the parent's signing input; absent in the root. */
  par_hash?: string
  /**
   * 22 letters of base64url that tell it from others in the same words. Not its id, which nobody chooses: see
   * `delegationId`.
   */
  jti: string
  evidence: Evidence
}

/** A statement as it was read: in form, but its signature NOT verified. `id`: by which it is revoked. */
export type ReadStatement = { statement: Statement; id: string; hash: string; kid: string; jws: Jws }

export const defaultDelegationSeconds = 86_400
export const longestDelegationSeconds: number = 90 * 86_400

const type = 'delegation+jwt'

const agent: Check = text((value) => partsOf(value)?.length === 2)
const agentOrInstance: Check = text((value) => [2, 3].includes(partsOf(value)?.length ?? 0))
const party: Check = (value) =>
  agent(value) || text((id) => isId(id, 'psn') || isId(id, 'svc') || isId(id, 'org'))(value)
const audiences: Check = listOf(text(isAudience), 1, 16)

const statementShape: Shape = {
  required: {
    iss: party,
    sub: party,
    delegate: agentOrInstance,
    authority: text(isAudience),
    aud: audiences,
    scope: text(() => true),
    iat: whole(0),
    exp: whole(1),
    max_depth: whole(0, 255),
    jti: matching(/^[A-Za-z0-9_-]{22}$/),
    evidence: isEvidence,
  },
  optional: {
    onward: audiences,
    constraints: () => true,
    task: text(isTask),
    sid: text(isTask),
    // Any base64url, so that a hash of another length is what it is: not the parent's.
    par_hash: text((value) => value.length <= 64 && isBase64url(value)),
  },
}

const headerShape: Shape = {
  required: { alg: text(() => true), kid: matching(/^[\x21-\x7e]{1,256}$/), typ: text(() => true) },
}

/** Signs a statement after checking its form. Refuses `malformed`. */
export async function signStatement(key: SigningKey, statement: Statement): Promise<string> {
  return signJws(key, { typ: type }, checkStatement(statement as unknown as JsonValue) as unknown as JsonObject)
}

/**
 * Reads one statement, at most 16 KiB, without verifying its signature.
 *
 * Refuses what `parseJson` refuses, `non_canonical` bytes, `type_mismatch`, and `malformed` for everything that is not a statement, one
 * that lives longer than 90 days included.
 */
export async function readStatement(compact: string): Promise<ReadStatement> {
  const jws = readJws(compact)
  if (jws.header.typ !== type) refuse('type_mismatch')
  const [header = ''] = jws.signingInput.split('.')
  const headerText = new TextDecoder().decode(decode(header))
  if (!isCanonical(headerText, jws.header) || !isCanonical(jws.payloadText, jws.payload)) refuse('non_canonical')
  const { kid } = checkShape(jws.header, headerShape, 'malformed', 'header') as { kid: string }
  const hash = await hashText(jws.signingInput)
  return { statement: checkStatement(jws.payload), id: delegationId(hash), hash, kid, jws }
}

/**
 * The `dlg_` id of the statement with this hash: the first 128 bits of it, so that whoever holds a statement can name it, and
 * nobody can make another one that answers to the same name.
 */
export function delegationId(hash: string): string {
  return `dlg_${encode(decode(hash).subarray(0, 16))}`
}

/** What the author of a statement chooses; the rest has safe defaults. */
export type StatementWords = Omit<Statement, 'jti' | 'iat' | 'exp' | 'max_depth' | 'evidence'> & {
  /** Seconds it lives: 24 hours unless chosen otherwise, at most 90 days. */
  expiresIn?: number
  /** Seconds since 1970 at which it ends, instead of `expiresIn`. */
  exp?: number
  /** No further hand-over unless chosen otherwise. */
  max_depth?: number
  /** `signed` unless chosen otherwise. */
  evidence?: Evidence
}

/**
 * A statement to sign, unlike any other, made at `now` (seconds). Refuses `malformed`, and `cumulative_unsupported` for constraints that
 * nobody keeps totals for.
 */
export function newStatement(words: StatementWords, now: number): Statement {
  const { expiresIn = defaultDelegationSeconds, exp = now + expiresIn, ...chosen } = words
  const statement = checkStatement({
    max_depth: 0,
    evidence: { kind: 'signed' },
    ...chosen,
    iat: now,
    exp,
    jti: newJti(),
  } as unknown as JsonValue)
  refuseCumulative(statement.constraints ?? [])
  return statement
}

/** The agent of a delegate or holder: an instance's agent, an agent itself. Refuses `malformed` what is neither. */
export function agentOf(delegate: string): string {
  const { trustDomain, path } = parseSpiffeId(delegate)
  if (!agentOrInstance(delegate)) refuse('malformed', { detail: 'not an agent or an instance' })
  return `spiffe://${trustDomain}/${path.slice(0, 2).join('/')}`
}

function checkStatement(value: JsonValue): Statement {
  const statement = checkShape(value, statementShape, 'malformed', 'statement') as unknown as Statement
  parseScope(statement.scope)
  if (statement.constraints !== undefined) parseConstraints(statement.constraints as JsonValue)
  const seconds = statement.exp - statement.iat
  if (seconds <= 0 || seconds > longestDelegationSeconds) {
    refuse('malformed', { detail: 'statement.exp: not after iat, or more than 90 days after it' })
  }
  return statement
}

function isEvidence(value: JsonValue): boolean {
  const { kind } = (value ?? {}) as JsonObject
  if (kind === 'passkey') return typeof value === 'object'
  const shape = kind === 'signed' ? signedShape : attestedShape
  return isReadable(() => checkShape(value, shape, 'malformed', 'evidence'))
}

const signedShape: Shape = { required: { kind: oneOf('signed') } }
const attestedShape: Shape = {
  required: {
    kind: oneOf('attested'),
    by: text((value) => isId(value, 'adm') || isId(value, 'agt') || isId(value, 'psn')),
    how: oneOf('administrator', 'consent', 'on_behalf_of'),
  },
  optional: { token: text((value) => isId(value, 'tok')) },
}

/** The path of a SPIFFE ID below `/agent`, `agent` included; undefined when it is not one. */
function partsOf(value: string): string[] | undefined {
  let path: string[] = []
  return isReadable(() => ({ path } = parseSpiffeId(value))) && path[0] === 'agent' ? path : undefined
}

function isBase64url(value: string): boolean {
  return isReadable(() => decode(value))
}
