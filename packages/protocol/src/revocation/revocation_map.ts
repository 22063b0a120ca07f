import type { Lineage } from '../access_token.ts'
import { matching, type Shape, text, whole } from '../shape.ts'

/** One end. Whatever carries `id` at an epoch lower than `epoch` is dead. */
export type Fact = {
  /** Gap-free per organization, in commit order, from 1. */
  seq: number
  id: string
  epoch: number
  cause: string
  /** Milliseconds since 1970. */
  at_ms: number
  /** Seconds since 1970 after which nothing that this fact ends can be alive. */
  forget_after: number
}

/** What must hold of a fact on the wire. */
export const factShape: Shape = {
  required: {
    seq: whole(1),
    id: matching(/^[\x21-\x7e]{1,256}$/),
    epoch: whole(1),
    cause: text((cause) => cause.length <= 256),
    at_ms: whole(0),
    forget_after: whole(0),
  },
}

/**
 * What has ended. Facts merge by maximum, so that their order, repetition and clocks do not matter, and nothing that is merged ever makes
 * anything live again.
 */
export class RevocationMap {
  readonly #epochs = new Map<string, number>()
  readonly #forgetAfter = new Map<string, number>()

  get size(): number {
    return this.#epochs.size
  }

  apply(facts: Iterable<Pick<Fact, 'id' | 'epoch' | 'forget_after'>>): void {
    for (const { id, epoch, forget_after } of facts) {
      this.#epochs.set(id, Math.max(epoch, this.#epochs.get(id) ?? 0))
      this.#forgetAfter.set(id, Math.max(forget_after, this.#forgetAfter.get(id) ?? 0))
    }
  }

  /**
   * The first id whose end kills what has this lineage, or undefined when it lives. `implicit`: ids it depends on without stating an epoch
   * (a token's `jti`, the `kid` that signed it); they count as epoch 0.
   */
  deadBy(lineage: Lineage, implicit?: readonly string[]): string | undefined {
    // On the path of every verification: look-ups only, nothing allocated.
    const epochs = this.#epochs
    for (let place = 0; place < lineage.length; place++) {
      const entry = lineage[place] as readonly [string, number]
      const ended = epochs.get(entry[0])
      // Written so that an epoch that is no number counts as lower.
      if (ended !== undefined && !(entry[1] >= ended)) return entry[0]
    }
    if (implicit === undefined) return undefined
    for (let place = 0; place < implicit.length; place++) {
      const id = implicit[place] as string
      if (epochs.has(id)) return id
    }
    return undefined
  }

  /**
   * Drops facts that nothing living can still depend on. `now` (seconds) must never be ahead of the clocks that tokens are checked
   * against, or a fact would go while a token it ended still passes.
   */
  forget(now: number): void {
    for (const [id, after] of this.#forgetAfter) {
      if (after < now) {
        this.#epochs.delete(id)
        this.#forgetAfter.delete(id)
      }
    }
  }

  /** By id, so that equal maps have equal JSON. */
  toJSON(): Array<{ id: string; epoch: number; forget_after: number }> {
    return [...this.#epochs.keys()]
      .sort()
      .map((id) => ({ id, epoch: this.#epochs.get(id) ?? 0, forget_after: this.#forgetAfter.get(id) ?? 0 }))
  }
}
