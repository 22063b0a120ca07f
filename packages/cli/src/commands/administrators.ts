import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { listAll, part } from '../listing.ts'
import { moment, printable } from '../output.ts'
import { type Revoked, reachLines } from '../revocation.ts'
import { keepSecretOf, secretOption } from '../secret_output.ts'
import type { Terminal } from '../terminal.ts'

type Administrator = { id: string; name: string; created_at_ms: number; ended_at_ms?: number }

export function administrators(terminal: Terminal): Command {
  return group('administrators', 'who may change what the organization consists of', [
    add(terminal),
    list(terminal),
    end(terminal),
  ])
}

function add(terminal: Terminal): Command {
  return secretOption(
    connected(
      leaf('add <name>', 'another administrator, with a secret of their own', [
        'credence administrators add Grace --out grace.secret',
      ]),
    ),
  ).action(
    action<{ out?: string }>(terminal, async ({ api, output, options }, name) => {
      const { made, kept } = await keepSecretOf(
        options.out,
        () => api().send<Administrator & { secret?: string }>('POST', '/v1/administrators', { name }),
        ({ secret }) => secret,
      )
      const { secret: _, ...administrator } = made
      output.value({ ...administrator, ...kept.shown }, () => {
        output.fields({ id: made.id, name: made.name })
        kept.tell(output, 'administrator secret')
      })
    }),
  )
}

function list(terminal: Terminal): Command {
  return connected(leaf('list', 'all of them, ended ones included', ['credence administrators list'])).action(
    action(terminal, async ({ api, output }) => {
      const found = await listAll<Administrator>(api(), '/v1/administrators')
      output.value(found, () =>
        output.table(
          ['id', 'name', 'added', 'ended'],
          found.items.map((each) => [each.id, each.name, moment(each.created_at_ms), moment(each.ended_at_ms)]),
        ),
      )
    }),
  )
}

function end(terminal: Terminal): Command {
  return connected(
    leaf('end <administrator>', 'end one of them; nobody can end themselves', [
      'credence administrators end adm_…',
      'credence administrators end adm_… --attestations --cause compromised',
    ]),
  )
    .option('--attestations', 'and every delegation that was stated on their word; also later, when they have ended')
    .option('--cause <word>', 'why the attestations end, in one word of the log')
    .action(
      action<{ attestations?: true; cause?: string }>(terminal, async ({ api, output, options }, id = '') => {
        const at = `/v1/administrators/${part(id)}`
        const says = `${printable(id)} has ended. Its secret is worth nothing now.`
        if (!options.attestations) {
          await api().send('DELETE', at)
          output.value({ id, ended: true }, () => output.line(says))
          return
        }
        const cause = options.cause === undefined ? '' : `&cause=${part(options.cause)}`
        const ended = await api().send<Revoked>('DELETE', `${at}?attestations=end${cause}`)
        output.value(ended, () => {
          output.line(`${says} Nor is its word.`)
          for (const line of reachLines(ended, output.paint)) output.line(line)
        })
      }),
    )
}
