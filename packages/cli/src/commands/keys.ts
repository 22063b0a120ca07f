import { AgentKey } from '@credence/sdk'
import { saveKey } from '@credence/sdk/node'
import { type Command, Option } from 'commander'
import { group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { Failure } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

export function keys(terminal: Terminal): Command {
  return group('keys', 'key pairs of agents and people; the private half stays in a file of its owner’s', [
    leaf(
      'generate <file>',
      'a new key pair: the private half goes into the file (mode 0600), the public half is printed',
      ['credence keys generate ada.key > ada.pub', 'credence keys generate clerk.key --algorithm EdDSA > clerk.pub'],
    )
      .addOption(new Option('--algorithm <name>', 'of the signatures').choices(['ES256', 'EdDSA']).default('ES256'))
      .action(
        action<{ algorithm: 'ES256' | 'EdDSA' }>(terminal, async ({ output, options }, file = '') => {
          const key = await AgentKey.generate({ algorithm: options.algorithm, savable: true })
          await saveKey(key, file).catch((cause: NodeJS.ErrnoException) => {
            if (cause.code === undefined || !('syscall' in cause)) throw cause
            throw new Failure(
              'file_unwritable',
              `${file} cannot be made: ${cause.code === 'EEXIST' ? 'it exists already' : 'no such place, or not yours'}.`,
              'A key file is never overwritten: it may hold the only copy. Choose another name.',
              { cause },
            )
          })
          // The public half is what gets registered, so it is the result in both forms.
          output.line(JSON.stringify(key.publicJwk))
        }),
      ),
  ])
}
