import { newJti } from './identifiers.ts'
import { isJsonArray, type JsonObject, type JsonValue } from './json.ts'
import { type Jws, readJws, signJws, verifyJws } from './jws.ts'
import type { PublicKey, SigningKey } from './keys.ts'
import { isRefusal, refuse } from './refusals.ts'
import { isTime } from './shape.ts'

export type VerifiedAssertion = {
  clientId: string
  kid: string
  jti: string
  /** Seconds; the `jti` must be remembered until then, plus the tolerance. */
  expiresAt: number
}

export type AssertionExpectations = {
  /** The authority's own issuer, compared byte for byte. */
  issuer: string
  /** Seconds. */
  now: number
  keyOf: (clientId: string, kid: string) => Promise<PublicKey | undefined>
  /** How far clocks may differ, in seconds. Default 5. */
  toleranceSeconds?: number
}

const MAX_LIFETIME = 300
const MAX_JTI_BYTES = 256
// draft-ietf-oauth-rfc7523bis §4: the explicit type; those who do not know it yet write JWT or nothing.
const TYPES: ReadonlyArray<string | undefined> = ['client-authentication+jwt', 'JWT', undefined]

/**
 * An assertion with which a client authenticates itself (RFC 7523 §2.2). `issuer` must be the authority the client was
 * configured with, never a value a discovery document supplied.
 *
 * @param options.lifetime seconds, 300 at most; default 60
 */
export function signClientAssertion(
  key: SigningKey,
  options: { clientId: string; issuer: string; now: number; lifetime?: number },
): Promise<string> {
  const { clientId, issuer, now, lifetime = 60 } = options
  const jti = newJti()
  const payload = { iss: clientId, sub: clientId, aud: issuer, jti, iat: now, exp: now + lifetime }
  return signJws(key, { typ: 'client-authentication+jwt' }, payload)
}

/**
 * Verifies a client assertion, all but its single use: the caller claims (client, `jti`) until `expiresAt` plus the
 * tolerance.
 *
 * Refuses `assertion_invalid`, `assertion_audience`, `assertion_lifetime`, and `client_authentication_failed` for an
 * unknown client, an unknown key and a wrong signature alike; its private cause tells them apart.
 */
export async function verifyClientAssertion(
  assertion: string,
  expected: AssertionExpectations,
): Promise<VerifiedAssertion> {
  const jws = readAssertion(assertion)
  const { kid } = jws.header
  const { iss, sub, aud, jti } = jws.payload
  if (!TYPES.includes(jws.header.typ)) invalid('typ')
  if (kid === undefined) invalid('kid')
  // RFC 7523 §3: both are the client id.
  if (typeof sub !== 'string' || sub === '' || sub.length > 2048 || iss !== sub) invalid('iss, sub')
  if (typeof jti !== 'string' || jti === '' || bytesOf(jti) > MAX_JTI_BYTES) invalid('jti')
  if (!isSoleAudience(aud, expected.issuer)) refuse('assertion_audience')
  const expiresAt = checkTimes(jws.payload, expected)
  await authenticate(jws, await expected.keyOf(sub, kid))
  return { clientId: sub, kid, jti, expiresAt }
}

function readAssertion(assertion: string): Jws {
  try {
    return readJws(assertion, { maxBytes: 8192 })
  } catch (cause) {
    return refuse('assertion_invalid', { detail: 'It is not a well-formed signed JWT.', cause })
  }
}

/**
 * draft-ietf-oauth-rfc7523bis §4: the issuer of the authority, as the sole value; else another server could make us
 * accept its mail.
 */
function isSoleAudience(aud: JsonValue | undefined, issuer: string): boolean {
  return isJsonArray(aud) ? aud.length === 1 && aud[0] === issuer : aud === issuer
}

function checkTimes(payload: JsonObject, { now, toleranceSeconds = 5 }: AssertionExpectations): number {
  const { exp, iat, nbf } = payload
  if (!isTime(exp) || !(iat === undefined || isTime(iat)) || !(nbf === undefined || isTime(nbf)))
    invalid('exp, iat, nbf')
  if (now >= exp + toleranceSeconds) refuse('assertion_lifetime', { detail: 'It has expired.' })
  // RFC 7523 §3: an unreasonably far `exp` may be refused; here it must be, or the memory of used ids would not be
  // bounded.
  if (exp > now + MAX_LIFETIME + toleranceSeconds || (iat !== undefined && exp - iat > MAX_LIFETIME)) {
    refuse('assertion_lifetime', { detail: 'It lives too long.' })
  }
  if (Math.max(iat ?? 0, nbf ?? 0) > now + toleranceSeconds)
    refuse('assertion_lifetime', { detail: 'It is not valid yet.' })
  return exp
}

async function authenticate(jws: Jws, key: PublicKey | undefined): Promise<void> {
  try {
    await verifyJws(jws, key ?? refuse('key_unknown'))
  } catch (cause) {
    if (!isRefusal(cause)) throw cause
    refuse('client_authentication_failed', { cause })
  }
}

const encoder = new TextEncoder()

function bytesOf(value: string): number {
  return encoder.encode(value).length
}

function invalid(claim: string): never {
  return refuse('assertion_invalid', { detail: `${claim}: missing or not valid.` })
}
