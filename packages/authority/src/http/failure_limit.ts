import { refuse } from '@credence/protocol'
import type { Clock } from '../services.ts'

const mostAddresses = 50_000
const periodMs = 60_000
/** How many callers of an address that is above its limit may be in progress at once. */
const mostAtOnce = 16

/**
 * Slows down guessing: an address that failed to authenticate too often is answered `rate_limited` until it has been quiet for
 * long enough, and a few of its requests are looked at at once. Whoever authenticates is let through, so that nobody is kept out by
 * what else goes wrong at the same address. It protects capacity, not secrets, which are too long to guess; so it may live in
 * memory (P6).
 */
export class FailureLimit {
  readonly #perMinute: number
  readonly #clock: Clock
  /** Level of a leaking bucket, and when it was that. */
  readonly #levels = new Map<string, { level: number; atMs: number }>()
  /** Of the addresses above their limit: how many requests are in progress. */
  readonly #inProgress = new Map<string, number>()

  constructor(options: { failuresPerMinute: number; clock: Clock }) {
    this.#perMinute = options.failuresPerMinute
    this.#clock = options.clock
  }

  /** Begins a request of this address, and returns what ends it. Refuses when it is above its limit and has a few in progress. */
  begin(address: string): () => void {
    if (!this.#isAbove(address)) return () => {}
    const inProgress = this.#inProgress.get(address) ?? 0
    if (inProgress >= mostAtOnce) refuse('rate_limited')
    this.#inProgress.set(address, inProgress + 1)
    return () => {
      const left = (this.#inProgress.get(address) ?? 0) - 1
      if (left > 0) this.#inProgress.set(address, left)
      else this.#inProgress.delete(address)
    }
  }

  /** Counts a failure. Refuses when this address had failed too often before it. */
  failed(address: string): void {
    if (this.#perMinute === 0) return
    const above = this.#isAbove(address)
    // With a ceiling, so that it is never more than two minutes until the address is below its limit again.
    const level = Math.min(this.#levelOf(address) + 1, 2 * this.#perMinute)
    // Moved to the end, so that the first is always the one longest unheard of.
    this.#levels.delete(address)
    this.#levels.set(address, { level, atMs: this.#clock.monotonicMs() })
    if (this.#levels.size > mostAddresses) {
      const [oldest] = this.#levels.keys()
      if (oldest !== undefined) this.#levels.delete(oldest)
    }
    if (above) refuse('rate_limited')
  }

  #isAbove(address: string): boolean {
    return this.#perMinute > 0 && this.#levelOf(address) >= this.#perMinute
  }

  #levelOf(address: string): number {
    const entry = this.#levels.get(address)
    if (!entry) return 0
    const leaked = ((this.#clock.monotonicMs() - entry.atMs) / periodMs) * this.#perMinute
    return Math.max(0, entry.level - leaked)
  }
}
