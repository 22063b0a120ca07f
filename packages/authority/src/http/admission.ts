import { refuse } from '@credence/protocol'
import type { Endpoint, Room } from './endpoint.ts'

/** How many requests may be in progress in a room beside the ordinary one, as a share of those that may be there. */
const besideShare = 0.25

/** Sheds what is more than the authority can do at once (P9): refuses `overloaded` rather than answer late. */
export class Admission {
  readonly #most: Readonly<Record<Room, number>>
  readonly #inside: Record<Room, number> = { ordinary: 0, feed: 0, revocation: 0 }

  constructor({ concurrentRequests }: { concurrentRequests: number }) {
    const beside = Math.max(16, Math.ceil(concurrentRequests * besideShare))
    this.#most = { ordinary: concurrentRequests, feed: beside, revocation: beside }
  }

  /** Takes a place, and returns what gives it back. */
  enter({ room = 'ordinary' }: Pick<Endpoint, 'room'>): () => void {
    if (this.#inside[room] >= this.#most[room]) refuse('overloaded')
    this.#inside[room] += 1
    let left = false
    return () => {
      if (left) return
      left = true
      this.#inside[room] -= 1
    }
  }

  get inProgress(): number {
    return Object.values(this.#inside).reduce((sum, count) => sum + count, 0)
  }
}
