import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { leaf } from '../command.ts'
import { action } from '../context.ts'
import { Failure } from '../failure.ts'
import { refusePassword } from '../store_url.ts'
import type { Terminal } from '../terminal.ts'

type Options = { origin: string; domain: string; store: string; file: string }

export function init(terminal: Terminal): Command {
  return leaf('init', 'write the settings a production authority needs, with a fresh wrapping key', [
    'credence init --origin https://id.example.com --domain agents.example.com',
    'credence init --origin https://id.example.com --domain agents.example.com --store sqlite:/var/lib/credence/credence.db',
  ])
    .requiredOption('--origin <url>', 'the public origin, such as https://id.example.com')
    .requiredOption('--domain <domain>', 'the domain of all trust domains, such as agents.example.com')
    .option(
      '--store <url>',
      'where everything is kept: sqlite:<path>, or postgres://<user>@<host>/<database>',
      'sqlite:./credence.db',
    )
    .option('--file <file>', 'where to write', './credence.env')
    .action(
      action<Options>(terminal, async ({ output, options: { origin, domain, store, file } }) => {
        const { newWrappingKey, parseConfig } = await import('@credence/authority')
        refusePassword(store)
        const values = {
          CREDENCE_ORIGIN: origin,
          CREDENCE_DOMAIN: domain,
          CREDENCE_STORE: store,
          CREDENCE_WRAPPING_KEYS: newWrappingKey('w1'),
        }
        // The same reading as at the start, so that what is written here starts.
        parseConfig({ environment: values, mode: 'production', readFile: () => '' })
        writeNew(file, render(values))
        output.value({ file }, () => {
          output.line(
            `Wrote ${file}, readable by you alone. Back it up: without its wrapping key, signing keys are lost.`,
          )
          output.line()
          output.line('Next:')
          output.line(`  set -a; . ${file}; set +a`)
          output.line('  credence start')
        })
      }),
    )
}

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx', flush: true })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new Failure('file_unwritable', `${file} cannot be written.`, 'Choose another place with --file.', { cause })
    }
    throw new Failure(
      'file_exists',
      `${file} exists already.`,
      'It may hold the only copy of a wrapping key. Move it away first, or choose another --file.',
    )
  }
}

/** For a shell to read: in quotes that nothing gets out of. */
function render(values: Record<string, string>): string {
  return [
    '# Settings of the authority. Keep this file secret and backed up: without the wrapping key, the signing keys in',
    '# the store cannot be opened again.',
    ...Object.entries(values).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`),
    '',
  ].join('\n')
}
