import { base64url, canonicalize, refuse } from '@credence/protocol'

/** A key that wraps others: 32 bytes, under the name its ciphertexts carry. */
export type WrappingKey = { id: string; secret: Uint8Array }

/**
 * What a ciphertext is bound to (AES-GCM associated data). One sealed for another organization, key, algorithm or purpose
 * does not open, so a row copied elsewhere in the database is worth nothing.
 */
export type SealedFor = { organization: string; kid: string; alg: string; purpose: string }

/** Encrypts what must not lie readable in the store. */
export type Sealer = {
  /** Seals under the first wrapping key, with a fresh nonce. */
  seal(secret: Uint8Array, context: SealedFor): Promise<string>
  /** Refuses `wrapping_key_missing` when the key it names is not configured, `wrapping_key_wrong` when it does not open. */
  open(sealed: string, context: SealedFor): Promise<Uint8Array<ArrayBuffer>>
  /** The name of the wrapping key that a ciphertext needs. */
  keyOf(sealed: string): string
  /** The wrapping key new ciphertexts get. */
  readonly current: string
}

const version = 'v1'
const nonceBytes = 12
const keyName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/**
 * A sealer over one or more wrapping keys. The first wraps; all open, so that keys can be changed without a stop.
 * A ciphertext reads `v1.<wrapping key>.<nonce>.<ciphertext and tag>`.
 */
export async function createSealer(keys: readonly WrappingKey[]): Promise<Sealer> {
  const [first] = keys
  if (first === undefined) refuse('wrapping_key_missing', { detail: 'No wrapping key is configured.' })
  const opened = new Map<string, CryptoKey>()
  for (const { id, secret } of keys) {
    if (!keyName.test(id)) refuse('config_invalid', { detail: 'A wrapping key has a malformed name.' })
    if (secret.byteLength !== 32) refuse('config_invalid', { detail: `Wrapping key ${id} does not have 32 bytes.` })
    if (opened.has(id)) refuse('config_invalid', { detail: `Two wrapping keys are named ${id}.` })
    opened.set(id, await importKey(secret))
  }
  const current = first.id
  const currentKey = opened.get(current) as CryptoKey

  return {
    current,
    keyOf: (sealed) => split(sealed).id,
    async seal(secret, context) {
      const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const parameters = { name: 'AES-GCM', iv, additionalData: bind(context, current) }
      const ciphertext = await crypto.subtle.encrypt(parameters, currentKey, new Uint8Array(secret))
      return [version, current, base64url.encode(iv), base64url.encode(new Uint8Array(ciphertext))].join('.')
    },
    async open(sealed, context) {
      const { id, iv, ciphertext } = split(sealed)
      const key = opened.get(id)
      if (key === undefined)
        refuse('wrapping_key_missing', { detail: `Wrapping key ${id} is needed and not configured.` })
      const parameters = { name: 'AES-GCM', iv, additionalData: bind(context, id) }
      try {
        return new Uint8Array(await crypto.subtle.decrypt(parameters, key, ciphertext))
      } catch (cause) {
        return refuse('wrapping_key_wrong', { detail: `Wrapping key ${id} does not open what it should.`, cause })
      }
    },
  }
}

/** Reads `name:base64url,name:base64url`, the form the setting has. The first wraps. */
export function parseWrappingKeys(text: string): WrappingKey[] {
  return text.split(',').map((entry) => {
    const [id, secret, ...rest] = entry.trim().split(':')
    if (id === undefined || secret === undefined || rest.length > 0) {
      refuse('config_invalid', { detail: 'A wrapping key reads name:base64url.' })
    }
    try {
      return { id, secret: base64url.decode(secret) }
    } catch {
      // The text itself must not reach a log, so neither does the cause.
      return refuse('config_invalid', { detail: 'A wrapping key is not base64url.' })
    }
  })
}

/** A new wrapping key in the form the setting has. */
export function newWrappingKey(id = 'k1'): string {
  return `${id}:${base64url.encode(crypto.getRandomValues(new Uint8Array(32)))}`
}

function importKey(secret: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new Uint8Array(secret), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function bind(context: SealedFor, wrappingKey: string): Uint8Array<ArrayBuffer> {
  const { organization, kid, alg, purpose } = context
  return new TextEncoder().encode(canonicalize({ version, wrappingKey, organization, kid, alg, purpose }))
}

function split(sealed: string) {
  const [marker, id, iv, ciphertext, ...rest] = sealed.split('.')
  if (marker !== version || id === undefined || iv === undefined || ciphertext === undefined || rest.length > 0) {
    refuse('internal_error', { cause: new Error('a sealed value is malformed') })
  }
  return { id, iv: new Uint8Array(base64url.decode(iv)), ciphertext: new Uint8Array(base64url.decode(ciphertext)) }
}
