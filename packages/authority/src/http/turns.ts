import type { Clock } from '../services.ts'

/** How many streams a process opens in a second, with room to spare: `bench/revoke.ts` measures it. */
const perSecond = 1_200
/** No flood sends anybody away for longer. */
const longestMs = 10_000

/**
 * When those who are sent away are to come back. Thousands who lost their connections in one moment return in one moment, and do it
 * again after every refusal, until answering them "not now" takes all the time there is; so each is given a turn of its own.
 */
export class Turns {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Whole seconds until the next turn, as Retry-After says it (RFC 9110 section 10.2.3); at least 1. */
  next(): number {
    const nowMs = this.#clock.monotonicMs()
    const turnMs = Math.max(this.#lastMs, nowMs) + 1_000 / perSecond
    // Beyond the longest, any time will do.
    if (turnMs > nowMs + longestMs) return Math.ceil((longestMs * (1 + Math.random())) / 2_000)
    this.#lastMs = turnMs
    return Math.max(1, Math.ceil((turnMs - nowMs) / 1_000))
  }
}
