import { explain, isPrinted, render } from './failure.ts'
import { program } from './program.ts'
import type { Terminal } from './terminal.ts'

/** Runs one command line. Returns the exit code: 0, 1 for what could not be done, 2 for words that are off. Never throws. */
export async function run(given: readonly string[], terminal: Terminal): Promise<number> {
  // `credence help agents list` is another way to say `credence agents list --help`.
  const words = given[0] === 'help' ? [...given.slice(1), '--help'] : given
  try {
    const command = words.find((word) => !word.startsWith('-'))
    const settings = command === 'start' ? (await import('@credence/authority')).settings : undefined
    const root = program(terminal, settings)
    await root.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    const explained = explain(error)
    if (!isPrinted(error)) terminal.note(render(explained, words.includes('--json')))
    if (terminal.env.CREDENCE_CLI_DEBUG) terminal.note(`${String((error as Error).stack)}\n`)
    return explained.exit
  }
}
