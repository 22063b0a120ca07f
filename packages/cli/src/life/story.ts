import { type Paint, paintFor } from '../output.ts'

/** What a step came to: what matters, a remark beside it (below it where the terminal is narrow), and lines below. */
export type Told = { says: string; aside?: string; below?: readonly string[] }

/** Tells the life of an agent a line at a time, each step with how long it took. */
export type Story = {
  paint: Paint
  heading(text: string): void
  /** Runs a step; `told` makes its line from what it gave back. A step that fails ends the story. */
  step<T>(title: string, run: () => Promise<T>, told: (value: T) => Told): Promise<T>
  /** Milliseconds that all steps took together. */
  tookMs(): number
}

const widths = { title: 34, took: 8 }
const indent = 4 + widths.title + 2 + widths.took + 3

export function storyTo(
  write: (text: string) => void,
  { colour, columns }: { colour: boolean; columns: number },
): Story {
  const paint = paintFor(colour)
  let count = 0
  let allMs = 0
  const lines = (mark: string, title: string, tookMs: number, { says, aside, below = [] }: Told): void => {
    const beside = aside !== undefined && indent + widthOf(says) + 2 + widthOf(aside) <= columns
    const first = beside ? `${says}  ${paint.dim(aside)}` : says
    write(`${mark}  ${title.padEnd(widths.title)}  ${paint.cyan(duration(tookMs).padStart(widths.took))}   ${first}\n`)
    const rest = aside === undefined || beside ? below : [paint.dim(aside), ...below]
    for (const text of rest) write(`${' '.repeat(indent)}${text}\n`)
  }
  return {
    paint,
    heading: (text) => write(`\n    ${paint.bold(text)}\n`),
    step: async (title, run, told) => {
      count += 1
      const started = performance.now()
      try {
        const value = await run()
        const tookMs = performance.now() - started
        allMs += tookMs
        lines(paint.dim(String(count).padStart(2)), title, tookMs, told(value))
        return value
      } catch (error) {
        lines(paint.red(' ✗'), title, performance.now() - started, { says: paint.red('this should have worked') })
        throw error
      }
    },
    tookMs: () => allMs,
  }
}

/** Columns that a text takes: colours take none. */
function widthOf(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  return [...text.replace(/\u001b\[\d+m/g, '')].length
}

/** Microseconds below 1 ms, then milliseconds, then seconds: three digits at most. */
export function duration(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
