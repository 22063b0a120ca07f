import { refuse } from '@credence/protocol'
import type { Endpoint } from './endpoint.ts'

/** Of the requests in progress, how many more than the limit may be revocations and health checks. */
const reservedShare = 0.25

/**
 * Sheds what is more than the authority can do at once (P9): refuses `overloaded` rather than answer late. Health and
 * revocation have room of their own, so that a flood of token requests never delays the kill switch.
 */
export class Admission {
  readonly #most: number
  readonly #mostReserved: number
  #ordinary = 0
  #reserved = 0

  constructor(options: { concurrentRequests: number }) {
    this.#most = options.concurrentRequests
    this.#mostReserved = Math.max(16, Math.ceil(options.concurrentRequests * reservedShare))
  }

  /** Takes a place, and returns what gives it back. */
  enter(endpoint: Pick<Endpoint, 'reserved'>): () => void {
    const reserved = endpoint.reserved === true
    if (reserved ? this.#reserved >= this.#mostReserved : this.#ordinary >= this.#most) refuse('overloaded')
    if (reserved) this.#reserved += 1
    else this.#ordinary += 1
    let left = false
    return () => {
      if (left) return
      left = true
      if (reserved) this.#reserved -= 1
      else this.#ordinary -= 1
    }
  }

  get inProgress(): number {
    return this.#ordinary + this.#reserved
  }
}
