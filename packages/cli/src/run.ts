import { explain, isUsage, render } from './failure.ts'
import { program } from './program.ts'
import type { Terminal } from './terminal.ts'

/** Runs one command line. Returns the exit code: 0, 1 for what could not be done, 2 for words that are off. Never throws. */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const root = program(terminal)
  try {
    await root.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    const explained = explain(error)
    // Help and version are printed already, and are no error.
    if (!(isUsage(error) && error.exitCode === 0)) terminal.note(render(explained, words.includes('--json')))
    if (terminal.env.CREDENCE_CLI_DEBUG) terminal.note(`${String((error as Error).stack)}\n`)
    return explained.exit
  }
}
