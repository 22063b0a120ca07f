/** Chance that a seed repeats (mulberry32). What the processes and the disk do in the meantime it does not repeat. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  pick<T>(among: readonly T[]): T {
    const picked = among[Math.floor(this.next() * among.length)]
    if (picked === undefined) throw new Error('there is nothing to pick from')
    return picked
  }

  /** So many of them, none twice, in any order. There must be as many. */
  some<T>(among: readonly T[], count: number): T[] {
    const left = [...among]
    if (left.length < count) throw new Error(`there are no ${count} to pick`)
    return Array.from({ length: count }, () => left.splice(Math.floor(this.next() * left.length), 1)[0] as T)
  }
}

/** `FAULT_SEED` repeats an earlier run's. */
export function newSeed(): number {
  return Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 32))
}
