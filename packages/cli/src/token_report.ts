import {
  type AccessTokenClaims,
  asRefusal,
  base64url,
  isJsonObject,
  type JsonObject,
  parseJson,
  RevocationMap,
  verifyAccessToken,
  verifyBatch,
} from '@credence/protocol'
import type { Connection } from './connection.ts'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'
import { keysOf } from './key_set.ts'

/** What there is to say about a token, and whether a resource would let it in now. */
export type TokenReport = {
  /** `yes`, `no`, or `unknown` when revocations could not be asked about. */
  good: 'yes' | 'no' | 'unknown'
  /** Why not: the refusal's code. */
  code?: string
  why?: string
  /** The id whose end killed it. */
  ended?: { id: string; cause: string; at_ms: number }
  /** Checked: issuer, signature, audience, times. False: the claims below are only what the text says of itself. */
  verified: boolean
  claims?: AccessTokenClaims
  unverified?: JsonObject
}

/** A token as it was given: `-` for standard input, a file, or the text itself. */
export async function tokenFrom(context: Context<unknown>, given: string): Promise<string> {
  const isText = /^[\w-]+\.[\w-]+\.[\w-]*$/.test(given) && given.length > 100
  const text = (isText ? given : await context.read(given)).trim()
  if (text !== '') return text
  throw new Failure('token_missing', 'There is no token.', 'Give a file that holds it, or - for standard input.')
}

/**
 * Judges a token as a resource would, except for the proof of possession, which only the caller of a resource can give.
 *
 * @param audience undefined: whatever the token says, for showing it
 * @param api undefined: revocations are not asked about
 */
export async function reportOn(
  token: string,
  {
    issuer,
    audience,
    api,
    nowMs,
  }: { issuer: string; audience: string | undefined; api: Connection | undefined; nowMs: number },
): Promise<TokenReport> {
  const unverified = readUnverified(token)
  const wanted = audience ?? unverified?.aud
  if (typeof wanted !== 'string') {
    throw new Failure(
      'malformed',
      'This is not an access token.',
      'Give a file that holds one, or - for standard input.',
    )
  }
  try {
    const { claims, kid } = await verifyAccessToken(token, {
      keys: await keysOf(issuer),
      issuers: (named) => named === issuer,
      audience: wanted,
      now: Math.floor(nowMs / 1000),
    })
    if (api === undefined) {
      return {
        good: 'unknown',
        verified: true,
        claims,
        why: 'Revocations were not asked about: that takes an administrator secret.',
      }
    }
    const ended = await endOf(api, claims, kid)
    if (ended === undefined) return { good: 'yes', verified: true, claims }
    return { good: 'no', verified: true, claims, code: 'revoked', why: 'Something it rests on has ended.', ended }
  } catch (error) {
    const refusal = asRefusal(error)
    // Not the token's fault, and no verdict about it.
    if (error instanceof Failure || refusal.status >= 500) throw error
    const why = refusal.detail ? `${refusal.message} ${refusal.detail}` : refusal.message
    return { good: 'no', verified: false, code: refusal.code, why, ...(unverified !== undefined && { unverified }) }
  }
}

/** Reads the whole feed, each page signed, and holds the token's lineage against it. */
async function endOf(api: Connection, { lineage, jti }: AccessTokenClaims, kid: string): Promise<TokenReport['ended']> {
  const keys = await keysOf(api.issuer)
  const map = new RevocationMap()
  const causes = new Map<string, { cause: string; at_ms: number }>()
  for (let after = 0; ; ) {
    const nonce = base64url.encode(crypto.getRandomValues(new Uint8Array(16)))
    const page = await api.getText(`/revocations?after=${after}&limit=500&nonce=${nonce}`)
    const batch = await verifyBatch(page, { keys, issuer: api.issuer })
    if (batch.nonce !== nonce || batch.after !== after) {
      throw new Failure('feed_invalid', 'The authority answered with a page of its feed that was not asked for.')
    }
    map.apply(batch.facts)
    for (const { id, cause, at_ms } of batch.facts) causes.set(id, { cause, at_ms })
    if (batch.to >= batch.head || batch.to === after) break
    after = batch.to
  }
  const id = map.deadBy(lineage, [jti, kid])
  return id === undefined ? undefined : { id, cause: '', at_ms: 0, ...causes.get(id) }
}

/** For people to look at only: nothing acts on it. */
function readUnverified(token: string): JsonObject | undefined {
  try {
    const [, payload = ''] = token.split('.')
    const value = parseJson(new TextDecoder().decode(base64url.decode(payload)))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
