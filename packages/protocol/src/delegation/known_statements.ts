import { deepFreeze } from '../json.ts'
import type { PublicKey } from '../keys.ts'
import { Recent } from '../recent.ts'
import type { ReadStatement } from './statement.ts'

/**
 * Statements of which the signature held, by their whole text, with the key that it held under. The same text and the same key have
 * one answer for ever, so this can be wrong about nothing; whether the key may be used, and what the statement rests on, is asked
 * each time. Nothing gets in that was not signed, so strangers cannot crowd it out.
 */
export class KnownStatements {
  readonly #known: Recent<{ read: ReadStatement; key: PublicKey }>

  /** @param most about how many are remembered, a few kilobytes each */
  constructor(most: number) {
    this.#known = new Recent(most)
  }

  /** What it says, which nobody may change. */
  read(compact: string): ReadStatement | undefined {
    return this.#known.get(compact)?.read
  }

  isSignedBy(compact: string, key: PublicKey): boolean {
    return this.#known.get(compact)?.key === key
  }

  remember(compact: string, read: ReadStatement, key: PublicKey): void {
    deepFreeze(read.statement)
    this.#known.set(compact, { read, key })
  }
}
