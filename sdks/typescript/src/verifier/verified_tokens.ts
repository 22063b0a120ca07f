/**
 * What was verified, by the full text of the token: no hash that could collide, no part that could be shared. Least recently
 * used go first. It holds what can never change about a token (its signature, its shape, its audience); whatever can is
 * checked again at each use.
 */
export class VerifiedTokens<T> {
  readonly #limit: number
  readonly #entries = new Map<string, T>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(token: string): T | undefined {
    const entry = this.#entries.get(token)
    // Moving an entry to the end costs more than finding it; as long as nothing has to go, order does not matter.
    if (entry !== undefined && this.#entries.size >= this.#limit * 0.75) {
      this.#entries.delete(token)
      this.#entries.set(token, entry)
    }
    return entry
  }

  set(token: string, entry: T): void {
    this.#entries.set(token, entry)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) break
      this.#entries.delete(oldest)
    }
  }

  delete(token: string): void {
    this.#entries.delete(token)
  }

  get size(): number {
    return this.#entries.size
  }
}
