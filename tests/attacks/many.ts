// Many variants of one attack: all of them in a long run, a part that a seed repeats in a short one, several at a time.

import { Chance, newSeed } from '../faults/chance.ts'

const seed = newSeed()
const chance = new Chance(seed)
let said = false

/** So many of them, or all (`CREDENCE_LONG`). The seed of the choice is printed; `FAULT_SEED` repeats it. */
export function sampleOf<T>(all: readonly T[], most: number): T[] {
  if (process.env.CREDENCE_LONG || all.length <= most) return [...all]
  if (!said) console.log(`chosen with FAULT_SEED=${seed}`)
  said = true
  return chance.some(all, most)
}

const atOnce = 16

/** What all of them came to, in their order, several at a time. */
export async function inBatches<T, R>(all: readonly T[], work: (one: T) => Promise<R[]>): Promise<R[]> {
  const results: R[] = []
  for (let begin = 0; begin < all.length; begin += atOnce) {
    results.push(...(await Promise.all(all.slice(begin, begin + atOnce).map(work))).flat())
  }
  return results
}
