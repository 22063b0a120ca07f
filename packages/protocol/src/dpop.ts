import { hashText } from './digest.ts'
import { normalizeTarget } from './http_target.ts'
import { newJti } from './identifiers.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { type Jws, type JwsHeader, readJws, signJws, verifyJws } from './jws.ts'
import { importPublicKey, type PublicKey, type SigningKey } from './keys.ts'
import { isRefusal, refuseAtUse as refuse } from './refusals/at_use.ts'
import { isTime } from './shape.ts'

export type VerifiedProof = {
  /** Thumbprint of the key that made the proof; what `cnf.jkt` must equal. */
  jkt: string
  jti: string
  iat: number
  /** Seconds; (`jkt`, `jti`) must be remembered until then. */
  expiresAt: number
  key: PublicKey
}

export type ProofExpectations = {
  method: string
  /** The absolute URL of the request; its query and fragment do not matter. */
  url: string
  /** Seconds. */
  now: number
  /** The token that came with the proof; then `ath` must be its hash. */
  accessToken?: string
  /** That hash (`hashText`), where it is known already. */
  accessTokenHash?: string
  /**
   * Given what the proof carries; throws `nonce_required` unless it is one to accept. When absent, a nonce is not
   * looked at.
   */
  nonce?: (nonce: string | undefined) => void
  /** Default 60. */
  maxAgeSeconds?: number
  /** How far the maker's clock may be ahead. Default 5. */
  futureSeconds?: number
}

const MAX_PROOF_BYTES = 8192

/** A proof for one request (RFC 9449 §4.2). `method` and `url` as sent; `now` in seconds. */
export async function createDpopProof(
  key: SigningKey,
  request: { method: string; url: string; now: number; accessToken?: string; nonce?: string },
): Promise<string> {
  const { method, url, now, accessToken, nonce } = request
  const { kid: _kid, alg: _alg, use: _use, ...jwk } = key.publicJwk
  const payload: JsonObject = {
    jti: newJti(),
    htm: method,
    htu: url.replace(/[?#].*$/s, ''),
    iat: now,
    ...(accessToken !== undefined && { ath: await hashText(accessToken) }),
    ...(nonce !== undefined && { nonce }),
  }
  return signJws(key, { typ: 'dpop+jwt', jwk }, payload)
}

/**
 * The value of the DPoP header, undefined when there is none. Refuses `proof_invalid` for more than one: they arrive
 * joined by a comma, which no proof contains (RFC 9449 §4.3 check 1).
 */
export function readDpopHeader(headers: Pick<Headers, 'get'>): string | undefined {
  const value = headers.get('dpop')
  if (value === null) return undefined
  if (value === '' || value.includes(',')) invalid('There must be exactly one proof.')
  return value
}

/**
 * Verifies a proof by the checks of RFC 9449 §4.3, all but its single use and that the token is bound to `jkt`: both
 * are for the caller.
 *
 * Refuses `proof_invalid`, `proof_method_mismatch`, `proof_target_mismatch`, `proof_stale`, `proof_token_mismatch`, and
 * whatever `nonce` throws.
 */
export async function verifyDpopProof(proof: string, expected: ProofExpectations): Promise<VerifiedProof> {
  const jws = readProof(proof)
  const { jti, htm, htu, iat, nonce, ath } = jws.payload
  const key = knownKeys.get(jws.header) ?? (await keyOf(jws))
  await verifySignature(jws, key)
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) invalid('jti: missing or not valid.')
  if (typeof htm !== 'string' || typeof htu !== 'string') invalid('htm, htu: missing or not valid.')
  if (nonce !== undefined && typeof nonce !== 'string') invalid('nonce: not valid.')
  if (htm !== expected.method) refuse('proof_method_mismatch')
  if (!isTarget(htu, expected.url)) refuse('proof_target_mismatch')
  const expiresAt = checkTimes(jws.payload, expected)
  expected.nonce?.(nonce)
  const { accessToken, accessTokenHash = accessToken === undefined ? undefined : await hashText(accessToken) } =
    expected
  if (accessTokenHash !== undefined && ath !== accessTokenHash) refuse('proof_token_mismatch')
  return { jkt: key.kid, jti, iat: iat as number, expiresAt, key }
}

function readProof(proof: string): Jws {
  let jws: Jws
  try {
    jws = readJws(proof, { maxBytes: MAX_PROOF_BYTES })
  } catch (cause) {
    return invalid('It is not a well-formed signed JWT.', cause)
  }
  // RFC 9449 §4.3 check 4, and §11.5: no other signed object has this type.
  return jws.header.typ === 'dpop+jwt' ? jws : invalid('typ: not dpop+jwt.')
}

/**
 * The key inside the proof. A proof speaks for its own key only, so here, and nowhere else, the key of a header is
 * used. For RSA the header's `alg` is taken as the key's, since a proof's `jwk` seldom names one; it must be RS256
 * either way.
 */
async function keyOf({ header }: { header: JwsHeader }): Promise<PublicKey> {
  const { jwk, alg } = header
  if (!isJsonObject(jwk)) invalid('jwk: missing or not an object.')
  const { kid: _, ...stated } = jwk
  try {
    const key = await importPublicKey(stated.kty === 'RSA' && stated.alg === undefined ? { ...stated, alg } : stated)
    knownKeys.set(header, key)
    return key
  } catch (cause) {
    return invalid('jwk: not a public key that is accepted here.', cause)
  }
}

/**
 * The keys in headers that are remembered: importing one costs about as much as half a signature check, and a caller signs every
 * request with the same key.
 */
const knownKeys = new WeakMap<JwsHeader, PublicKey>()

async function verifySignature(jws: Jws, key: PublicKey): Promise<void> {
  try {
    await verifyJws(jws, key)
  } catch (cause) {
    if (!isRefusal(cause)) throw cause
    invalid('The signature does not verify.', cause)
  }
}

/** RFC 9449 §4.3 check 9: query and fragment ignored, after syntax-based and scheme-based normalization. */
function isTarget(htu: string, url: string): boolean {
  try {
    const target = normalizeTarget(url)
    return htu === url || normalizeTarget(htu) === target
  } catch {
    return false
  }
}

function checkTimes(payload: JsonObject, { now, maxAgeSeconds = 60, futureSeconds = 5 }: ProofExpectations): number {
  const { iat, exp, nbf } = payload
  if (!isTime(iat)) invalid('iat: missing or not valid.')
  if (iat < now - maxAgeSeconds || iat > now + futureSeconds) refuse('proof_stale')
  // Neither is defined for proofs; but a maker who states them means them (RFC 7519 §4.1.4, §4.1.5).
  if (!(exp === undefined || isTime(exp)) || !(nbf === undefined || isTime(nbf))) invalid('exp, nbf: not valid.')
  if ((exp !== undefined && exp <= now) || (nbf !== undefined && nbf > now + futureSeconds)) refuse('proof_stale')
  return iat + maxAgeSeconds + 1
}

function invalid(detail: string, cause?: unknown): never {
  return refuse('proof_invalid', { detail, ...(cause !== undefined && { cause }) })
}
