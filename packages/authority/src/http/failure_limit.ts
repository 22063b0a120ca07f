import { refuse } from '@credence/protocol'
import type { Clock } from '../services.ts'

const mostAddresses = 50_000
const periodMs = 60_000

/**
 * Slows down guessing: an address that failed to authenticate too often is refused `rate_limited` until it has been quiet
 * for long enough. It protects capacity, not secrets, which are too long to guess; so it may live in memory (P6).
 */
export class FailureLimit {
  readonly #perMinute: number
  readonly #clock: Clock
  /** Level of a leaking bucket, and when it was that. */
  readonly #levels = new Map<string, { level: number; atMs: number }>()

  constructor(options: { failuresPerMinute: number; clock: Clock }) {
    this.#perMinute = options.failuresPerMinute
    this.#clock = options.clock
  }

  /** Refuses when this address has failed too often. */
  check(address: string): void {
    if (this.#perMinute > 0 && this.#levelOf(address) >= this.#perMinute) refuse('rate_limited')
  }

  failed(address: string): void {
    if (this.#perMinute === 0) return
    const level = this.#levelOf(address) + 1
    // Moved to the end, so that the first is always the one longest unheard of.
    this.#levels.delete(address)
    this.#levels.set(address, { level, atMs: this.#clock.monotonicMs() })
    if (this.#levels.size <= mostAddresses) return
    const [oldest] = this.#levels.keys()
    if (oldest !== undefined) this.#levels.delete(oldest)
  }

  #levelOf(address: string): number {
    const entry = this.#levels.get(address)
    if (!entry) return 0
    const leaked = ((this.#clock.monotonicMs() - entry.atMs) / periodMs) * this.#perMinute
    return Math.max(0, entry.level - leaked)
  }
}
