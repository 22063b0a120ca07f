/** Time as the SDK sees it; tests put their own in its place. */
export type Clock = {
  /** Unix milliseconds. May jump. */
  nowMs(): number
  /** Milliseconds from an arbitrary start; never falls, whatever happens to the wall clock. */
  monotonicMs(): number
  /** Runs `run` once, `ms` from now. The answer cancels it. */
  after(ms: number, run: () => void): () => void
}

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** What the SDK takes from the outside: time, the network, and chance (0 <= x < 1, for jitter only; keys and ids never use it). */
export type Runtime = { clock: Clock; fetch: Fetch; random: () => number }

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** The given parts, and the system's for the rest. */
export function runtimeOf(given: Partial<Runtime>): Runtime {
  return {
    clock: given.clock ?? systemClock,
    // Looked up at each call: a runtime may replace it later, and it must not be called as a method of ours.
    fetch: given.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    random: given.random ?? Math.random,
  }
}

/** A controller that is aborted with `parent` as well, until it is released. */
export function linkedTo(parent: AbortSignal): { signal: AbortSignal; abort(): void; release(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort()
  parent.addEventListener('abort', abort, { once: true })
  if (parent.aborted) abort()
  return { signal: controller.signal, abort, release: () => parent.removeEventListener('abort', abort) }
}

/** The same for work that may take so many milliseconds. */
export function linkedFor(clock: Clock, ms: number, parent: AbortSignal): { signal: AbortSignal; release(): void } {
  const { signal, abort, release } = linkedTo(parent)
  const cancel = clock.after(ms, abort)
  return {
    signal,
    release: () => {
      cancel()
      release()
    },
  }
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
