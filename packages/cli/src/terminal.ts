import { text } from 'node:stream/consumers'

/** The process as commands see it, so that a test can be one. */
export type Terminal = {
  env: NodeJS.ProcessEnv
  /** Results. */
  write(text: string): void
  /** Everything that is not the result: progress, and what went wrong. */
  note(text: string): void
  /** Whether results may be coloured. */
  colour: boolean
  /** How wide lines may be. */
  columns: number
  /**
   * Resolves at the first SIGINT or SIGTERM. From the first call of this on, signals no longer end the process: what runs has to
   * end by itself. A second signal soon after the first (npm passes on what the terminal has sent already) changes nothing; a later
   * one ends the process at once.
   */
  untilStopped(): Promise<void>
  readStandardInput(): Promise<string>
}

/** Signals closer together than this are one wish. */
const oneWishMs = 1_000

export function processTerminal(): Terminal {
  let stopped: Promise<void> | undefined
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has seen enough (`| head`) is not a fault.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
  return {
    env: process.env,
    write: (line) => void process.stdout.write(line),
    note: (line) => void process.stderr.write(line),
    colour: process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    columns: process.stdout.columns ?? 120,
    untilStopped: () => {
      stopped ??= firstSignal()
      return stopped
    },
    readStandardInput: () => text(process.stdin),
  }
}

function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined
    const heard = (): void => {
      if (firstAtMs !== undefined && performance.now() - firstAtMs > oneWishMs) process.exit(130)
      firstAtMs ??= performance.now()
      resolve()
    }
    process.on('SIGINT', heard)
    process.on('SIGTERM', heard)
  })
}
