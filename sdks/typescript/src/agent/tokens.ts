import type { Runtime } from '../runtime.ts'
import type { AccessToken } from './access_token.ts'

type Held = { token: AccessToken; renewAtMs: number; goneAtMs: number; retryAtMs: number }

/**
 * An agent's tokens, one for each thing it asks for. Renewed ahead of their expiry, in the background and at a jittered time,
 * so that callers do not wait and many agents do not renew at once. One flight for each key; a failure is told to those who
 * wait for it and then forgotten.
 *
 * Ages are counted on the monotonic clock: a wall clock that jumps neither kills a good token nor keeps a dead one.
 */
export class Tokens {
  readonly #runtime: Runtime
  readonly #limit: number
  readonly #held = new Map<string, Held>()
  readonly #flights = new Map<string, Promise<AccessToken>>()

  constructor(runtime: Runtime, limit = 1000) {
    this.#runtime = runtime
    this.#limit = limit
  }

  async get(key: string, obtain: () => Promise<AccessToken>): Promise<AccessToken> {
    const now = this.#runtime.clock.monotonicMs()
    const held = this.#held.get(key)
    if (held === undefined || now >= held.goneAtMs) return this.#fly(key, obtain)
    if (now >= held.renewAtMs && now >= held.retryAtMs) {
      held.retryAtMs = now + 1000 + 1000 * this.#runtime.random()
      // The token at hand is still good: who uses it need not hear that its successor could not be had yet.
      this.#fly(key, obtain).catch(() => {})
    }
    return held.token
  }

  /** A token that was refused: the next call asks for another. */
  forget(token: AccessToken): void {
    for (const [key, held] of this.#held) if (held.token === token) this.#held.delete(key)
  }

  #fly(key: string, obtain: () => Promise<AccessToken>): Promise<AccessToken> {
    let flight = this.#flights.get(key)
    if (flight === undefined) {
      flight = this.#obtain(key, obtain).finally(() => this.#flights.delete(key))
      this.#flights.set(key, flight)
    }
    return flight
  }

  async #obtain(key: string, obtain: () => Promise<AccessToken>): Promise<AccessToken> {
    const { clock, random } = this.#runtime
    // From before the request: what the network took is part of the token's age.
    const since = clock.monotonicMs()
    const sinceWall = clock.nowMs()
    const token = await obtain()
    const lifetimeMs = token.expiresAtMs - sinceWall
    this.#held.delete(key)
    this.#held.set(key, {
      token,
      renewAtMs: since + lifetimeMs * (0.6 + 0.2 * random()),
      goneAtMs: since + lifetimeMs - Math.min(10_000, lifetimeMs * 0.1),
      retryAtMs: 0,
    })
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= this.#limit) break
      this.#held.delete(oldest)
    }
    return token
  }
}
