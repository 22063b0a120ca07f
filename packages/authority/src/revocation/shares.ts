/** Counts what each holds at once: streams, places to wait. */
export class Shares {
  readonly #counts = new Map<string, number>()

  /** Takes one from each of these; undefined, and nothing taken, when one of them has none left. @returns what gives them back. */
  take(shares: ReadonlyArray<readonly [whose: string, most: number]>): (() => void) | undefined {
    if (shares.some(([whose, most]) => this.#of(whose) >= most)) return undefined
    for (const [whose] of shares) this.#counts.set(whose, this.#of(whose) + 1)
    let given = false
    return () => {
      if (given) return
      given = true
      for (const [whose] of shares) this.#giveBack(whose)
    }
  }

  #of(whose: string): number {
    return this.#counts.get(whose) ?? 0
  }

  #giveBack(whose: string): void {
    const left = this.#of(whose) - 1
    if (left > 0) this.#counts.set(whose, left)
    else this.#counts.delete(whose)
  }
}
