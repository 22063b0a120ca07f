import { refuse } from '@credence/protocol'

/** Counts what a store was asked and has not answered yet, so that it closes after the last of it. */
export class UnderWay {
  #count = 0
  #closing = false
  #none: (() => void) | undefined

  /** Refuses `storage_unavailable` once it is closing. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) refuse('storage_unavailable', { cause: new Error('The store is closed.') })
    this.#count += 1
    try {
      return await work()
    } finally {
      this.#count -= 1
      if (this.#count === 0) this.#none?.()
    }
  }

  /** Resolves when everything let in has ended. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#count === 0) return
    await new Promise<void>((resolve) => {
      this.#none = resolve
    })
  }
}
