import { refuseAtUse as refuse } from '@credence/protocol'

/**
 * Where used proofs are remembered. Replicas of one resource share one (a claim in a common store), or each accepts a proof
 * once.
 */
export type Replays = {
  /** True for whoever comes first with this id; it must stay claimed until `expiresAt` (Unix seconds). */
  claim(id: string, expiresAt: number): boolean | Promise<boolean>
}

/**
 * Remembers in this process, bounded: ids lie in two generations, and the older one is dropped as a whole when every proof in
 * it is past its time. When both are full it refuses: forgetting would let a proof be used twice. Only holders of a
 * valid token can fill it.
 */
export class LocalReplays implements Replays {
  readonly #limit: number
  readonly #now: () => number
  #young = new Set<string>()
  #old = new Set<string>()
  #youngUntil = 0
  #oldUntil = 0

  /** @param now Unix seconds; must never fall */
  constructor(now: () => number, limit = 500_000) {
    this.#now = now
    this.#limit = limit
  }

  /** @throws Refusal `overloaded` */
  claim(id: string, expiresAt: number): boolean {
    const now = this.#now()
    if (now > this.#oldUntil) {
      this.#old = this.#young
      this.#oldUntil = this.#youngUntil
      this.#young = new Set()
      this.#youngUntil = 0
    }
    if (this.#old.has(id)) return false
    const { size } = this.#young
    if (size >= this.#limit) return this.#young.has(id) ? false : refuse('overloaded')
    if (this.#young.add(id).size === size) return false
    this.#youngUntil = Math.max(this.#youngUntil, expiresAt)
    return true
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
