/** Immutable things fetched when first needed and kept: one flight for all who wait, the longest unused go first, failures go at once. */
export class Kept<T> {
  readonly #limit: number
  readonly #entries = new Map<string, Promise<T>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(name: string, fetch: () => Promise<T>): Promise<T> {
    const found = this.#entries.get(name)
    const entry = found ?? this.#keepUnlessItFails(name, fetch)
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) break
      this.#entries.delete(oldest)
    }
    return entry
  }

  #keepUnlessItFails(name: string, fetch: () => Promise<T>): Promise<T> {
    const entry = fetch()
    entry.catch(() => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name)
    })
    return entry
  }
}
