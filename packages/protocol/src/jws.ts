import { decode, decodeText, encode } from './base64url.ts'
import { canonicalize } from './canonical.ts'
import { deepFreeze, isJsonObject, type JsonObject, parseJson, parseJsonBytes } from './json.ts'
import { cryptoAlgorithms, type PublicKey, type SigningKey } from './keys.ts'
import { Recent } from './recent.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'

export type JwsHeader = JsonObject & { alg: string; kid?: string; typ?: string }

/** A compact JWS, parsed and NOT verified. */
export type SignedBytes = {
  header: JwsHeader
  payloadBytes: Uint8Array
  signingInput: string
  signature: Uint8Array<ArrayBuffer>
}

/** The same with a JSON object as its payload, still NOT verified. */
export type Jws = {
  header: JwsHeader
  payload: JsonObject
  payloadText: string
  signingInput: string
  signature: Uint8Array<ArrayBuffer>
}

/** Keys by issuer and key id, never by key id alone (RFC 8725 §3.8). Ids are compared exactly. */
export type KeyLookup = (
  issuer: string,
  kid: string | undefined,
) => PublicKey | undefined | Promise<PublicKey | undefined>

const encoder = new TextEncoder()

/**
 * Headers by their text: a key writes the same one on everything it signs. Memory of a pure function, so it can be wrong about
 * nothing; only of what has been verified, so that noise does not fill it.
 */
const knownHeaders = new Recent<JwsHeader>(1024)
const LONGEST_KNOWN = 1536

type Parts = { header: JwsHeader; payload: string; signingInput: string; signature: string }

/**
 * Takes a compact JWS (RFC 7515 §7.1) apart. It checks form only, and gives no reason to believe a word of it.
 *
 * Refuses `too_large` before looking inside; `malformed` for anything but three parts of base64url with a JSON object
 * first (so for JSON serializations and JWE); `critical_unsupported` for `crit`, `b64` and `zip`; and what `parseJson`
 * refuses.
 */
export function readSignedBytes(compact: string, limits: { maxBytes?: number } = {}): SignedBytes {
  const { header, payload, signingInput, signature } = partsOf(compact, limits)
  return { header, payloadBytes: decode(payload), signingInput, signature: decode(signature) }
}

/** `readSignedBytes` for payloads that are JSON objects: every token, assertion, proof and statement. */
export function readJws(compact: string, limits: { maxBytes?: number } = {}): Jws {
  const parts = partsOf(compact, limits)
  const payloadText = decodeText(parts.payload)
  const signature = decode(parts.signature)
  const payload = parseJson(payloadText, { maxBytes: limits.maxBytes ?? 16_384 })
  if (!isJsonObject(payload)) refuse('malformed')
  return { header: parts.header, payload, payloadText, signingInput: parts.signingInput, signature }
}

/** `payload` and `signature` are still base64url, or whatever stands there. */
function partsOf(compact: string, limits: { maxBytes?: number }): Parts {
  // Every character that survives is ASCII, so characters are bytes.
  if (compact.length > (limits.maxBytes ?? 16_384)) refuse('too_large')
  const first = compact.indexOf('.')
  const second = compact.indexOf('.', first + 1)
  // A third dot is not base64url, so it is refused with the signature.
  if (first < 1 || second < 0) refuse('malformed')
  const headerText = compact.slice(0, first)
  return {
    header: knownHeaders.get(headerText) ?? readHeader(headerText),
    payload: compact.slice(first + 1, second),
    signingInput: compact.slice(0, second),
    signature: compact.slice(second + 1),
  }
}

function readHeader(text: string): JwsHeader {
  const header = parseJsonBytes(decode(text), { maxBytes: 8192, maxDepth: 4 })
  if (!isJsonObject(header)) refuse('malformed')
  const { alg, kid, typ, crit, b64, zip } = header
  // RFC 7515 §4.1.11: what is named in `crit` must be understood; nothing is. RFC 7797 §6: `b64` without `crit` is an
  // error too.
  if (crit !== undefined || b64 !== undefined || zip !== undefined) refuse('critical_unsupported')
  if (typeof alg !== 'string') refuse('malformed')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length === 0 || kid.length > 256)) refuse('malformed')
  if (typ !== undefined && typeof typ !== 'string') refuse('malformed')
  return header as JwsHeader
}

/**
 * Signs. Header and payload are written in canonical form (RFC 8785), so that equal content has one signing input. The
 * header names the key, unless it carries the key itself (`jwk`, RFC 9449 §4.2).
 */
export async function signJws(key: SigningKey, header: SignedHeader, payload: JsonObject): Promise<string> {
  const signingInput = `${encodedHeader(key, header)}.${encodeText(canonicalize(payload))}`
  const signature = await key.sign(encoder.encode(signingInput))
  return `${signingInput}.${encode(signature)}`
}

/** By key and type, which is all that most headers say. */
const encodedHeaders = new WeakMap<SigningKey, Map<string, string>>()

type SignedHeader = { readonly typ: string } & JsonObject

function encodedHeader(key: SigningKey, header: SignedHeader): string {
  if (Object.keys(header).length > 1) return encodeHeader(key, header)
  const known = encodedHeaders.get(key) ?? new Map<string, string>()
  const text = known.get(header.typ) ?? encodeHeader(key, header)
  encodedHeaders.set(key, known.set(header.typ, text))
  return text
}

function encodeHeader(key: SigningKey, header: SignedHeader): string {
  return encodeText(canonicalize({ ...header, alg: key.alg, ...(header.jwk === undefined && { kid: key.kid }) }))
}

/**
 * Checks the signature with the algorithm of the key record; the header is only held against it, byte for byte (RFC
 * 8725 §3.1), and keys in the header are never looked at (§3.10). Refuses `algorithm_not_allowed`, `signature_invalid`.
 */
export async function verifyJws(jws: SignedBytes | Jws, key: PublicKey): Promise<void> {
  // RFC 9864 §2.2 gives the one algorithm our EdDSA keys have a name of its own, and current clients write that.
  const alg = jws.header.alg === 'Ed25519' ? 'EdDSA' : jws.header.alg
  if (alg !== key.alg) refuse('algorithm_not_allowed')
  const { use } = cryptoAlgorithms[key.alg]
  // RFC 7518 §3.4 and RFC 8037 §3.1: exactly 64 octets; DER or padded forms never reach the verifier.
  const wellFormed = key.alg === 'RS256' || jws.signature.length === 64
  const holds =
    wellFormed && (await crypto.subtle.verify(use, key.key, jws.signature, encoder.encode(jws.signingInput)))
  if (!holds) refuse('signature_invalid')
  remember(jws)
}

function remember({ header, signingInput }: SignedBytes | Jws): void {
  const text = signingInput.slice(0, signingInput.indexOf('.'))
  if (text.length > LONGEST_KNOWN || knownHeaders.get(text) !== undefined) return
  // Written anew, since a slice would keep the whole of what it was cut from.
  knownHeaders.set(encode(decode(text)), deepFreeze(header))
}

function encodeText(text: string): string {
  return encode(encoder.encode(text))
}
