import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { Failure } from './failure.ts'
import type { Output } from './output.ts'

/** For commands that make a secret: it is printed this once, or goes into a file and is not printed at all. */
export function secretOption(command: Command): Command {
  return command.addOption(
    new Option('--out <file>', 'write the secret to this new file (mode 0600) instead of printing it'),
  )
}

export type KeptSecret = {
  /** What of it stands in JSON output. */
  shown: { secret?: string; secret_file?: string }
  tell(output: Output, name: string): void
}

export function keepSecret(secret: string | undefined, file: string | undefined): KeptSecret {
  if (secret === undefined) return { shown: {}, tell: () => {} }
  if (file === undefined) {
    return {
      shown: { secret },
      tell: (output, name) => {
        output.line()
        output.line(`${name}, shown this once: ${secret}`)
      },
    }
  }
  writeSecret(file, secret)
  return {
    shown: { secret_file: file },
    tell: (output, name) => {
      output.line()
      output.line(`${name}: in ${file}, readable by you alone`)
    },
  }
}

/** A new file for its owner only; one that exists is left as it is. The secret is then lost, and the sentence says what that means. */
export function writeSecret(file: string, secret: string): void {
  try {
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true })
  } catch (cause) {
    throw new Failure(
      'file_unwritable',
      `${file} cannot be made: ${(cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'it exists already' : 'no such place, or not yours'}.`,
      'What was made exists, and its secret is lost with this message. End it, and make another with --out to a new file.',
      { cause },
    )
  }
}
