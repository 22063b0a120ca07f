import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { asRefusal } from '@credence/protocol'
import type { SecretPlace } from './administrators/index.ts'
import { parseConfig } from './config/parse.ts'
import type { Mode, Settings } from './config.ts'
import { type FirstSecret, startAuthority } from './start.ts'

/** The settings of this process: its flags, its environment, the defaults. */
export function settingsOf(mode: Mode, flags: Record<string, string> = {}): Settings {
  return parseConfig({
    environment: process.env,
    flags,
    mode,
    readFile: (path) => readFileSync(path, 'utf8'),
  })
}

/** On a terminal a first secret is shown there, once, and written nowhere. */
function onTerminal(secret: FirstSecret): SecretPlace {
  return {
    prepare() {},
    keep: (text) => void process.stderr.write(`${secret}, shown this once:\n${text}\n`),
    discard() {},
  }
}

/** Runs the authority until the process is told to stop. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ strict: false, allowPositionals: true })
  const flags = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  const mode = positionals[0] === 'dev' ? 'dev' : 'production'
  const options = mode === 'production' && process.stderr.isTTY ? { place: onTerminal } : {}
  const authority = await startAuthority(settingsOf(mode, flags), options)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The signal may come twice (npm passes on what the terminal has sent already); stopping twice is stopping once.
    process.on(signal, () => void authority.stop().then(() => process.exit(0)))
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    const { says, detail, hint } = asRefusal(error)
    process.stderr.write(`${[says, detail, hint].filter(Boolean).join(' ')}\n`)
    process.exitCode = 1
  })
}
