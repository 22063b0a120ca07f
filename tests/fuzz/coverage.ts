// Which code ran, as V8 counts it: every function and every block of the sources under test, asked of the inspector of this very thread.
// Nothing is instrumented, so what is fuzzed is what runs.

import { type Profiler, Session } from 'node:inspector'

/** Offsets in one file that ran: disjoint, ascending, `end` excluded. */
export type Covered = { url: string; intervals: ReadonlyArray<readonly [start: number, end: number]> }

/** One offset that had never run before. */
export type Point = { url: string; offset: number }

export class Coverage {
  readonly #session = new Session()
  readonly #isWatched: (url: string) => boolean
  readonly #seen = new Map<string, Uint8Array>()

  /** Must be made before the code to be watched is imported: what is compiled earlier has no counters in its blocks. */
  constructor(isWatched: (url: string) => boolean) {
    this.#isWatched = isWatched
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** What ran since the last time. */
  take(): Covered[] {
    const { result } = this.#post<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage')
    return result.filter(({ url }) => this.#isWatched(url)).map(paint)
  }

  /** The first offset of each stretch of these that was never learnt. */
  unseen(covered: readonly Covered[]): Point[] {
    const points: Point[] = []
    for (const { url, intervals } of covered) {
      const seen = this.#seen.get(url)
      for (const [start, end] of intervals) {
        let before = true
        for (let offset = start; offset < end; offset++) {
          const now = seen?.[offset] === 1
          if (!now && before) points.push({ url, offset })
          before = now
        }
      }
    }
    return points
  }

  learn(covered: readonly Covered[]): void {
    for (const { url, intervals } of covered) {
      const end = intervals.at(-1)?.[1] ?? 0
      let seen = this.#seen.get(url) ?? new Uint8Array(0)
      if (seen.length < end) {
        const longer = new Uint8Array(Math.max(end, 2 * seen.length))
        longer.set(seen)
        seen = longer
        this.#seen.set(url, seen)
      }
      for (const [from, to] of intervals) seen.fill(1, from, to)
    }
  }

  /** Forgets what was learnt, for another target or another count. */
  forget(): void {
    this.#seen.clear()
  }

  /** How many characters of the sources ran so far. */
  get size(): number {
    let size = 0
    for (const seen of this.#seen.values()) for (const each of seen) size += each
    return size
  }

  close(): void {
    this.#session.disconnect()
  }

  #post<T>(method: string, parameters?: object): T {
    let answer: T | undefined
    // The session is this thread's own, so the answer is there when the call returns.
    this.#session.post(method, parameters ?? {}, (error: Error | null, result?: unknown) => {
      if (error) throw error
      answer = result as T
    })
    return answer as T
  }
}

export function covers(covered: readonly Covered[], points: readonly Point[]): boolean {
  return points.every(({ url, offset }) =>
    covered.some((file) => file.url === url && file.intervals.some(([start, end]) => start <= offset && offset < end)),
  )
}

/**
 * Ranges come outermost first and the inner one counts. A block that ran as often as what is around it has no range of its own, so
 * only the painted picture tells whether it ran.
 */
function paint({ url, functions }: Profiler.ScriptCoverage): Covered {
  const length = functions.reduce((most, { ranges }) => Math.max(most, ranges[0]?.endOffset ?? 0), 0)
  const picture = new Uint8Array(length + 1)
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) picture.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  }
  const intervals: Array<readonly [number, number]> = []
  for (let start = picture.indexOf(1); start >= 0; ) {
    const end = picture.indexOf(0, start)
    intervals.push([start, end])
    start = picture.indexOf(1, end)
  }
  return { url, intervals }
}
