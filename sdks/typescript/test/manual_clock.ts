import type { Clock } from '../src/runtime.ts'

type Timer = { atMs: number; run: () => void }

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #wallMs = Date.parse('2026-11-24T10:00:00.250Z')
  #monotonicMs = 1_000_000
  #timers = new Set<Timer>()

  nowMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Time passes: timers that come due run in their order, each at its time, with a moment for what it starts. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms
    for (;;) {
      await moment()
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((one, other) => one.atMs - other.atMs)[0]
      const toMs = Math.max(this.#monotonicMs, due?.atMs ?? endMs)
      this.#wallMs += toMs - this.#monotonicMs
      this.#monotonicMs = toMs
      if (due === undefined) return
      this.#timers.delete(due)
      due.run()
    }
  }

  /** Time passes, and no timer runs. */
  pass(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }

  /** The wall clock alone is set to another time. */
  jump(ms: number): void {
    this.#wallMs += ms
  }
}

/**
 * Lets real work (signatures, promises) that is under way come to rest. Work of the same kind is queued behind it, so that a
 * machine under load only makes it slower.
 */
export async function moment(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    await Promise.all(Array.from({ length: 4 }, () => crypto.subtle.sign('HMAC', fence, new Uint8Array(1))))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const fence = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])

/** Waits, in real time, until something holds. */
export async function until(holds: () => boolean, why = 'it never came to be'): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(why)
}
