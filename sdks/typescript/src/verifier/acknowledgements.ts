import type { Runtime } from '../runtime.ts'

/**
 * Tells the authority how far this verifier has come, so that who revokes hears when everybody knows. At most one in a
 * period and one at a time: what comes meanwhile is covered by the next, which names the highest. The first comes at some moment of the
 * period: sent at once, those of the verifiers that hear first would be in the way of those that have yet to hear.
 */
export class Acknowledgements {
  readonly #runtime: Runtime
  readonly #send: (seq: number) => Promise<void>
  readonly #periodMs: number
  #incarnation = 0
  #highest = 0
  #sent = 0
  #lastAtMs = Number.NEGATIVE_INFINITY
  #busy = false
  #stopped = false
  #cancel: (() => void) | undefined

  constructor(runtime: Runtime, send: (seq: number) => Promise<void>, periodMs = 50) {
    this.#runtime = runtime
    this.#send = send
    this.#periodMs = periodMs
  }

  /** Facts up to `seq` are in force here. The numbers of two incarnations have nothing to do with each other. */
  note(incarnation: number, seq: number): void {
    const isAnother = incarnation !== this.#incarnation
    this.#incarnation = incarnation
    this.#highest = isAnother ? seq : Math.max(this.#highest, seq)
    if (isAnother) this.#sent = 0
    const soonestMs = this.#lastAtMs + this.#periodMs - this.#runtime.clock.monotonicMs()
    this.#schedule(Math.max(soonestMs, this.#periodMs * this.#runtime.random()))
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(inMs: number): void {
    if (this.#stopped || this.#busy || this.#cancel !== undefined || this.#highest <= this.#sent) return
    if (inMs <= 0) {
      void this.#flush()
      return
    }
    this.#cancel = this.#runtime.clock.after(inMs, () => {
      this.#cancel = undefined
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const [incarnation, seq] = [this.#incarnation, this.#highest]
    this.#busy = true
    this.#lastAtMs = this.#runtime.clock.monotonicMs()
    let waitMs = this.#periodMs
    try {
      await this.#send(seq)
      // Of an incarnation that has passed meanwhile it says nothing.
      if (incarnation === this.#incarnation) this.#sent = seq
    } catch {
      // The authority then counts on the lease instead. Later ones bring it up to date.
      waitMs = 1000 + 1000 * this.#runtime.random()
    }
    this.#busy = false
    this.#schedule(waitMs)
  }
}
