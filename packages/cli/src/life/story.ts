import { type Paint, paintFor } from '../output.ts'

/** Tells the life of an agent a line at a time, each step with how long it took. */
export type Story = {
  paint: Paint
  heading(text: string): void
  /** Runs a step; `told` makes its line from what it gave back, and more lines for below it. A step that fails ends the story. */
  step<T>(title: string, run: () => Promise<T>, told: (value: T) => string | readonly string[]): Promise<T>
}

const widths = { title: 37, took: 8 }

export function storyTo(write: (text: string) => void, colour: boolean): Story {
  const paint = paintFor(colour)
  const below = ' '.repeat(4 + widths.title + 2 + widths.took + 3)
  let count = 0
  const line = (mark: string, title: string, took: string, rest: string): void =>
    write(`${mark}  ${title.padEnd(widths.title)}  ${paint.cyan(took.padStart(widths.took))}   ${rest}\n`)
  return {
    paint,
    heading: (text) => write(`\n    ${paint.bold(text)}\n`),
    step: async (title, run, told) => {
      count += 1
      const started = performance.now()
      try {
        const value = await run()
        const took = duration(performance.now() - started)
        const [first = '', ...more] = [told(value)].flat()
        line(paint.dim(String(count).padStart(2)), title, took, first)
        for (const text of more) write(`${below}${text}\n`)
        return value
      } catch (error) {
        line(paint.red(' ✗'), title, duration(performance.now() - started), paint.red('this should have worked'))
        throw error
      }
    },
  }
}

/** Microseconds below 1 ms, then milliseconds, then seconds: three digits at most. */
export function duration(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
