export type Log = { warn(details: object, message: string): void }

/** Who wants to hear of something in this process. One that throws does not keep the others, or the teller, from going on. */
export class Listeners<T> {
  readonly #all = new Set<(news: T) => void>()
  readonly #log: Log | undefined

  constructor(log: Log | undefined) {
    this.#log = log
  }

  /** @returns what ends it. */
  add(listener: (news: T) => void): () => void {
    // A function of its own, so that the same listener may be added twice and leave once.
    const own = (news: T) => listener(news)
    this.#all.add(own)
    return () => this.#all.delete(own)
  }

  tell(news: T): void {
    for (const listener of this.#all) {
      try {
        listener(news)
      } catch (error) {
        this.#log?.warn({ err: error }, 'a listener of the store failed')
      }
    }
  }
}
