import { decode } from './base64url.ts'
import { hashText } from './digest.ts'
import { isJsonArray, type JsonObject, type JsonValue } from './json.ts'
import { nodeCrypto } from './node_crypto.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'

/** Every signature algorithm that is used. `EdDSA` is Ed25519 only (RFC 8037). */
export const algorithms = ['ES256', 'EdDSA', 'RS256'] as const

export type Algorithm = (typeof algorithms)[number]

/** A key to verify with. `alg` is what it was registered for, and the only algorithm it ever verifies. */
export type PublicKey = { kid: string; alg: Algorithm; jwk: JsonObject; key: CryptoKey }

/** A key to sign with: a function, so that the private key may be anywhere and is never seen here. */
export type SigningKey = {
  kid: string
  alg: Algorithm
  publicJwk: JsonObject
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>
}

type CryptoAlgorithm = {
  import: EcKeyImportParams | RsaHashedImportParams | { name: 'Ed25519' }
  use: EcdsaParams | { name: string }
}

/** WebCrypto's names for each algorithm (RFC 7518 §3.3 and §3.4, RFC 8037 §3.1). */
export const cryptoAlgorithms: Readonly<Record<Algorithm, CryptoAlgorithm>> = {
  ES256: { import: { name: 'ECDSA', namedCurve: 'P-256' }, use: { name: 'ECDSA', hash: 'SHA-256' } },
  EdDSA: { import: { name: 'Ed25519' }, use: { name: 'Ed25519' } },
  RS256: { import: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, use: { name: 'RSASSA-PKCS1-v1_5' } },
}

// RFC 7518 §6.2.2, §6.3.2, §6.4, and `priv` of draft-ietf-cose-dilithium.
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * Checks and imports a public key. What comes back holds only the members that make the key, with `kid`, `alg` and
 * `use`.
 *
 * `alg` follows from the curve for EC and OKP keys; an RSA key must name RS256 itself, or its signer could choose.
 * Refuses `key_unusable`: private or symmetric members, `kty`/`crv`/`alg` that are unknown or do not fit, `use` or
 * `key_ops` for something else, RSA outside 2048 to 8192 bits, points that are not on the curve or of small order.
 *
 * @param kid defaults to the JWK's own `kid`, then to its thumbprint
 */
export async function importPublicKey(jwk: JsonObject, kid?: string): Promise<PublicKey> {
  if (PRIVATE_MEMBERS.some((member) => jwk[member] !== undefined)) unusable('A public JWK has no private members.')
  const { alg, members } = readMembers(jwk)
  assertPurpose(jwk, 'verify')
  const named = kid ?? jwk.kid
  if (named !== undefined && !isKeyId(named)) unusable('`kid` is 1 to 256 characters.')
  const key = await importKey(members, alg, 'verify')
  const id = named ?? (await thumbprintOf(members))
  return { kid: id, alg, jwk: { ...members, kid: id, alg, use: 'sig' }, key }
}

/** RFC 7638 SHA-256 thumbprint of the public part, base64url: what `cnf.jkt` holds. */
export async function thumbprint(jwk: JsonObject): Promise<string> {
  const { members } = readMembers(jwk, 'RS256')
  return thumbprintOf(members)
}

/**
 * A new key. With `extractable`, `privateJwk` is there to be stored; it is not enumerable, so that printing or
 * spreading the key leaves it behind. RSA keys have 2048 bits.
 */
export async function generateSigningKey(
  alg: Algorithm,
  options: { extractable?: boolean; kid?: string } = {},
): Promise<SigningKey & { readonly privateJwk?: JsonObject }> {
  const { import: parameters } = cryptoAlgorithms[alg]
  const generation =
    alg === 'RS256' ? { ...parameters, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) } : parameters
  const extractable = options.extractable ?? false
  const pair = (await crypto.subtle.generateKey(generation, extractable, ['sign', 'verify'])) as CryptoKeyPair
  const exported = toJsonObject(await crypto.subtle.exportKey('jwk', pair.publicKey))
  if (!extractable) return signingKey(exported, alg, signer(alg, pair.privateKey), options.kid)
  const secret = toJsonObject(await crypto.subtle.exportKey('jwk', pair.privateKey))
  const key = await signingKey(exported, alg, signer(alg, pair.privateKey, secret), options.kid)
  const privateJwk = { ...secret, alg, kid: key.kid }
  return Object.defineProperty(key, 'privateJwk', { value: withoutPurpose(privateJwk), enumerable: false })
}

/** Imports a private JWK to sign with; it cannot be exported again. Refuses `key_unusable`. */
export async function importSigningKey(privateJwk: JsonObject, kid?: string): Promise<SigningKey> {
  const { alg, members } = readMembers(privateJwk)
  assertPurpose(privateJwk, 'sign')
  const secrets = alg === 'RS256' ? ['d', 'p', 'q', 'dp', 'dq', 'qi'] : ['d']
  const secret = Object.fromEntries(secrets.map((name) => [name, text(privateJwk[name])]))
  const whole = { ...members, ...secret }
  const key = await importKey(whole, alg, 'sign')
  const named = kid ?? (isKeyId(privateJwk.kid) ? privateJwk.kid : undefined)
  return signingKey(members, alg, signer(alg, key, whole), named)
}

async function signingKey(
  publicJwk: JsonObject,
  alg: Algorithm,
  sign: SigningKey['sign'],
  kid?: string,
): Promise<SigningKey> {
  const { members } = readMembers({ ...publicJwk, alg })
  const id = kid ?? (await thumbprintOf(members))
  return { kid: id, alg, publicJwk: { ...members, kid: id, alg, use: 'sig' }, sign }
}

/** Signs with a key that stays in here. RSA takes so long that other threads had better do it. */
function signer(alg: Algorithm, key: CryptoKey, privateJwk?: JsonObject): SigningKey['sign'] {
  const { sign, createPrivateKey } = nodeCrypto ?? {}
  if (!sign || !createPrivateKey || !privateJwk || alg === 'RS256') {
    const { use } = cryptoAlgorithms[alg]
    return async (bytes) => new Uint8Array(await crypto.subtle.sign(use, key, bytes))
  }
  // RFC 7518 §3.4: the two numbers one after the other, which Node calls by the name of IEEE P1363.
  const how = { key: createPrivateKey({ key: privateJwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
  const digest = alg === 'ES256' ? 'sha256' : null
  return async (bytes) => new Uint8Array(sign(digest, bytes, how))
}

type Members = { kty: string } & { [name: string]: string }

/** RFC 7638 §3: the required members in lexicographic order, which is how `readMembers` gives them. */
function thumbprintOf(members: Members): Promise<string> {
  return hashText(JSON.stringify(members))
}

/** Algorithm and defining members of a JWK, in order; each value has exactly one spelling, so equal keys have equal members. */
function readMembers(jwk: JsonObject, rsaAlgorithm?: 'RS256'): { alg: Algorithm; members: Members } {
  const { kty, crv } = jwk
  if (kty === 'EC' && crv === 'P-256') {
    // RFC 7518 §6.2.1.2: coordinates have the full length of the field.
    const members = { crv, kty, x: octets(jwk.x, 32), y: octets(jwk.y, 32) }
    return { alg: agreed('ES256', jwk.alg), members }
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    const members = { crv, kty, x: octets(jwk.x, 32) }
    assertPointUsable(decode(members.x))
    // RFC 9864 §2.2: the same algorithm by its newer name.
    return { alg: agreed('EdDSA', jwk.alg === 'Ed25519' ? 'EdDSA' : jwk.alg), members }
  }
  if (kty === 'RSA') {
    const members = { e: text(jwk.e), kty, n: text(jwk.n) }
    assertModulusUsable(members.n, members.e)
    return { alg: agreed('RS256', jwk.alg ?? rsaAlgorithm ?? null), members }
  }
  return unusable('The key type or curve is not supported.')
}

function agreed(alg: Algorithm, stated: JsonValue | undefined): Algorithm {
  if (stated === undefined || stated === alg) return alg
  return unusable(`A key of this type must say alg ${alg}.`)
}

// RFC 7517 §4.2 and §4.3: either may be left out; together they must agree, so each is held against the one purpose
// there is.
function assertPurpose(jwk: JsonObject, purpose: 'sign' | 'verify'): void {
  const { use, key_ops: operations } = jwk
  if (use !== undefined && use !== 'sig') unusable('`use` must be sig.')
  if (operations === undefined) return
  const fits = isJsonArray(operations) && operations.length === 1 && operations[0] === purpose
  if (!fits) unusable(`\`key_ops\` must be exactly ${purpose}.`)
}

async function importKey(members: Members, alg: Algorithm, usage: 'sign' | 'verify'): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey('jwk', members, cryptoAlgorithms[alg].import, usage === 'verify', [usage])
  } catch (cause) {
    return unusable('The members do not make a key.', cause)
  }
}

const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * With a public key of small order, one signature fits many messages, and its owner could deny what it signed (RFC 8725
 * §3.4). A `y` of p = 2^255 - 19 or more is no encoding of a point (RFC 8032 §5.1.3).
 */
function assertPointUsable(point: Uint8Array): void {
  const y = Array.from(point)
  // The highest bit is the sign of x.
  y[31] = (y[31] ?? 0) & 0x7f
  const beyondField = y[31] === 0x7f && y.slice(1, 31).every((byte) => byte === 0xff) && (y[0] ?? 0) >= 0xed
  const hex = y.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  if (beyondField || SMALL_ORDER.has(hex)) unusable('The point is not usable as a key.')
}

function assertModulusUsable(n: string, e: string): void {
  const modulus = decodeOrRefuse(n)
  const first = modulus[0] ?? 0
  // RFC 7518 §2: Base64urlUInt is the shortest form. §3.3: 2048 bits at least; the upper bound is ours, so that
  // verifying stays cheap.
  const bits = first === 0 ? 0 : modulus.length * 8 - (Math.clz32(first) - 24)
  if (bits < 2048 || bits > 8192) unusable('An RSA key has 2048 to 8192 bits.')
  if (e !== 'AQAB') unusable('An RSA key has the exponent 65537.')
  if (hasInfineonForm(modulus)) unusable('The RSA key comes from a generator that is known to be weak.')
}

const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]

/**
 * CVE-2017-15361 (ROCA): primes made by that generator leave a modulus that is a power of 65537 modulo every small
 * prime.
 */
function hasInfineonForm(modulus: Uint8Array): boolean {
  return ROCA_PRIMES.every((prime) => {
    const rest = modulus.reduce((sum, byte) => (sum * 256 + byte) % prime, 0)
    let power = 1
    for (let step = 0; step < prime; step++) {
      if (power === rest) return true
      power = (power * 65537) % prime
    }
    return false
  })
}

function octets(value: JsonValue | undefined, length: number): string {
  const encoded = text(value)
  if (decodeOrRefuse(encoded).length !== length) unusable('A coordinate has the wrong length.')
  return encoded
}

function decodeOrRefuse(encoded: string): Uint8Array {
  try {
    return decode(encoded)
  } catch (cause) {
    return unusable('A member is not base64url.', cause)
  }
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : unusable('A member of the JWK is missing or not a string.')
}

function isKeyId(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 256
}

function unusable(detail: string, cause?: unknown): never {
  return refuse('key_unusable', { detail, ...(cause !== undefined && { cause }) })
}

function toJsonObject(jwk: JsonWebKey): JsonObject {
  return { ...(jwk as { [name: string]: JsonValue }) }
}

function withoutPurpose({ key_ops: _, ext: __, ...members }: JsonObject): JsonObject {
  return members
}
