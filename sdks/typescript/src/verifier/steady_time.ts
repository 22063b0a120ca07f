import type { Clock } from '../runtime.ts'

/**
 * The time that tokens and proofs are judged by: it follows the wall clock and never goes back. So nothing that was refused as
 * expired comes to life when a clock is set back, and no replay id is forgotten while its proof could still pass.
 *
 * The price: after a wall clock was far ahead by mistake, calls are refused until it is reached again, or a restart.
 */
export class SteadyTime {
  readonly #clock: Clock
  #wallMs: number
  #monotonicMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#wallMs = clock.nowMs()
    this.#monotonicMs = clock.monotonicMs()
  }

  /** Unix milliseconds. While the wall clock lags behind what was seen, time goes on by the monotonic clock. */
  nowMs(): number {
    // Wall before monotonic, so that a pause between the two readings can only make the floor too low, never creep up.
    const wall = this.#clock.nowMs()
    const monotonic = this.#clock.monotonicMs()
    this.#wallMs = Math.max(wall, this.#wallMs + Math.max(0, monotonic - this.#monotonicMs))
    this.#monotonicMs = monotonic
    return this.#wallMs
  }

  /** Unix seconds, whole. */
  now(): number {
    return Math.floor(this.nowMs() / 1000)
  }
}
