import {
  importPublicKey,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type KeyLookup,
  type PublicKey,
  parseJson,
} from '@credence/protocol'
import { ask, refusalOf } from './connection.ts'
import { Failure } from './failure.ts'

/** The current public keys of an issuer, from its metadata and key set; a key that cannot be used is as good as absent. */
export async function keysOf(issuer: string): Promise<KeyLookup> {
  const keys = new Map<string, PublicKey>()
  const set = await fetchObject(await jwksUri(issuer))
  for (const jwk of isJsonArray(set.keys) ? set.keys : []) {
    const key = isJsonObject(jwk) ? await importPublicKey(jwk).catch(() => undefined) : undefined
    if (key !== undefined) keys.set(key.kid, key)
  }
  return (from, kid) => (from === issuer && kid !== undefined ? keys.get(kid) : undefined)
}

/** RFC 8414 §3: the document must name the issuer it was asked for, and its key set must be at home there. */
async function jwksUri(issuer: string): Promise<string> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  const metadata = await fetchObject(`${origin}/.well-known/oauth-authorization-server${path}`)
  const { jwks_uri: uri } = metadata
  if (metadata.issuer !== issuer || typeof uri !== 'string' || !URL.canParse(uri) || new URL(uri).origin !== origin) {
    throw new Failure(
      'metadata_mismatch',
      `What answers at ${issuer} says that it is another issuer.`,
      'Give --issuer exactly as the authority writes it.',
    )
  }
  return uri
}

async function fetchObject(url: string): Promise<JsonObject> {
  const response = await ask(url, { headers: { accept: 'application/json' } })
  const text = await response.text()
  if (!response.ok) throw refusalOf(response.status, text)
  const value = parseJson(text, { maxBytes: 1_048_576 })
  return isJsonObject(value) ? value : {}
}
