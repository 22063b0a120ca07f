/** The latest DPoP nonce of each server (RFC 9449 §8.2), by origin. Bounded: an agent talks to many. */
export class Nonces {
  readonly #byOrigin = new Map<string, string>()
  readonly #limit = 1000

  of(url: string): string | undefined {
    return this.#byOrigin.get(new URL(url).origin)
  }

  /** Remembers what an answer brought. True when it brought one. */
  learn(url: string, headers: Headers): boolean {
    const nonce = headers.get('dpop-nonce')
    if (nonce === null || nonce === '' || nonce.length > 512) return false
    const { origin } = new URL(url)
    this.#byOrigin.delete(origin)
    this.#byOrigin.set(origin, nonce)
    const oldest = this.#byOrigin.keys().next()
    if (this.#byOrigin.size > this.#limit && !oldest.done) this.#byOrigin.delete(oldest.value)
    return true
  }
}
