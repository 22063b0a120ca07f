import {
  importPublicKey,
  isJsonArray,
  isJsonObject,
  type JsonValue,
  type PublicKey,
  refuseAtUse as refuse,
} from '@credence/protocol'
import { type Endpoints, endpointsOf } from '../metadata.ts'
import { ask, readObject } from '../network.ts'
import type { Runtime } from '../runtime.ts'

const mostKeys = 100
/** Anybody can name an unknown key id in a token; in the feed only the issuer can. */
const cooldownMs = { anybody: 30_000, issuer: 1_000 }

/**
 * The public keys of one issuer. A key id that is not known makes it ask, once for all who wait, and at most once in a
 * cool-down however many unknown ids arrive; keys already known go on working meanwhile, and when the issuer is unreachable.
 *
 * What the issuer itself signs, on a connection of its own, has a cool-down of its own: a key that takes over at once, because
 * the one before it was revoked, is known as soon as the feed speaks with it, whatever strangers have used up.
 */
export class KeySet {
  readonly #endpoint: Endpoints
  readonly #runtime: Runtime
  #keys: ReadonlyMap<string, PublicKey> = new Map()
  #flight: Promise<void> | undefined
  #askedAtMs = Number.NEGATIVE_INFINITY
  #announcedAtMs = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime, issuer: string) {
    this.#runtime = runtime
    this.#endpoint = endpointsOf(runtime, issuer)
  }

  /** The key with exactly this id, at once when it is known. */
  find(kid: string | undefined): PublicKey | undefined | Promise<PublicKey | undefined> {
    if (kid === undefined) return undefined
    return this.#keys.get(kid) ?? this.#findAnew(kid)
  }

  /** The key that the issuer names in what came from its own origin. */
  findAnnounced(kid: string | undefined): PublicKey | undefined | Promise<PublicKey | undefined> {
    if (kid === undefined) return undefined
    return this.#keys.get(kid) ?? this.#findSuccessor(kid)
  }

  async #findSuccessor(kid: string): Promise<PublicKey | undefined> {
    // One that is under way may have been answered before there was this key.
    await this.#flight?.catch(() => {})
    const now = this.#runtime.clock.monotonicMs()
    if (this.#keys.has(kid) || now - this.#announcedAtMs < cooldownMs.issuer) return this.#keys.get(kid)
    this.#announcedAtMs = now
    // RFC 9111 §5.2.1.4: a cache on the way has a set from before.
    await this.#fly({ 'cache-control': 'no-cache' }).catch(() => {})
    return this.#keys.get(kid)
  }

  async #findAnew(kid: string): Promise<PublicKey | undefined> {
    if (this.#flight === undefined && !this.#isCool()) return undefined
    // An issuer that cannot be reached has no key of this id to show now; what is known stays.
    await this.refresh().catch(() => {})
    return this.#keys.get(kid)
  }

  /** Asks the issuer, whatever the cool-down says. Keys that it no longer shows are no longer accepted. */
  refresh(): Promise<void> {
    return this.#fly()
  }

  #fly(headers: Record<string, string> = {}): Promise<void> {
    this.#flight ??= this.#load(headers).finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  get size(): number {
    return this.#keys.size
  }

  #isCool(): boolean {
    return this.#runtime.clock.monotonicMs() - this.#askedAtMs >= cooldownMs.anybody
  }

  async #load(headers: Record<string, string>): Promise<void> {
    this.#askedAtMs = this.#runtime.clock.monotonicMs()
    const url = await this.#endpoint('jwks_uri')
    const { status, text } = await ask(this.#runtime, url, { headers: { accept: 'application/json', ...headers } })
    if (status !== 200) return refuse('authority_unreachable', { detail: `Its key set answered ${status}.` })
    const { keys } = readObject(text)
    if (!isJsonArray(keys) || keys.length > mostKeys) return refuse('authority_answer_invalid')
    const usable = (await Promise.all(keys.map(readKey))).filter((key) => key !== undefined)
    // An issuer always has a key. What ends one is a revocation, never a set without any.
    if (usable.length === 0) return refuse('authority_answer_invalid', { detail: 'Its key set has no usable key.' })
    this.#keys = new Map(usable.map((key) => [key.kid, key]))
  }
}

/** Undefined for a key of a kind not used here: a set may hold others (RFC 7517 §5). */
async function readKey(jwk: JsonValue): Promise<PublicKey | undefined> {
  if (!isJsonObject(jwk) || typeof jwk.kid !== 'string') return undefined
  try {
    return await importPublicKey(jwk, jwk.kid)
  } catch {
    return undefined
  }
}
