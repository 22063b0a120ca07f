import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { Failure } from './failure.ts'
import { type Output, printable } from './output.ts'

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

/**
 * Has a secret made and keeps it. The file is opened before, so that no secret is made that then has nowhere to go, and removed when
 * making it fails.
 *
 * @param file a new one; undefined: the secret is printed
 */
export async function keepSecretOf<Made>(
  file: string | undefined,
  make: () => Promise<Made>,
  secretIn: (made: Made) => string | undefined,
): Promise<{ made: Made; kept: KeptSecret }> {
  if (file === undefined) {
    const made = await make()
    return { made, kept: printed(secretIn(made)) }
  }
  const descriptor = openNew(file)
  try {
    const made = await make()
    const secret = secretIn(made)
    if (secret === undefined) rmSync(file)
    else {
      writeFileSync(descriptor, `${secret}\n`)
      fsyncSync(descriptor)
    }
    return { made, kept: secret === undefined ? printed(undefined) : filed(file) }
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** A new file for its owner only; one that exists is left as it is. */
function openNew(file: string): number {
  try {
    return openSync(file, 'wx', 0o600)
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw new Failure(
      exists ? 'file_exists' : 'file_unwritable',
      `${file} cannot be made: ${exists ? 'it exists already' : 'no such place, or not yours'}.`,
      'It may hold the only copy of something. Choose another name.',
      { cause },
    )
  }
}

function printed(secret: string | undefined): KeptSecret {
  if (secret === undefined) return { shown: {}, tell: () => {} }
  return {
    shown: { secret },
    tell: ({ line }, name) => {
      line()
      line(`${name}, shown this once: ${printable(secret)}`)
    },
  }
}

function filed(file: string): KeptSecret {
  return {
    shown: { secret_file: file },
    tell: ({ line }, name) => {
      line()
      line(`${name}: in ${file}, readable by you alone`)
    },
  }
}
