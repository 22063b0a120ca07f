import { readFileSync } from 'node:fs'
import type { Authority, Mode } from '@credence/authority'
import type { Terminal } from './terminal.ts'

/**
 * Starts the authority in this process.
 *
 * @param flags by their names without the dashes; they win over the environment
 * @throws Refusal when a setting is unknown, missing or unsafe; the authority's own sentence says what to do
 */
export async function serve(terminal: Terminal, mode: Mode, flags: Record<string, string>): Promise<Authority> {
  // Only here and in `init`: every other command starts in half the time without it.
  const { parseConfig, startAuthority } = await import('@credence/authority')
  const settings = parseConfig({
    environment: terminal.env,
    flags,
    mode,
    readFile: (path) => readFileSync(path, 'utf8'),
  })
  return startAuthority(settings)
}
