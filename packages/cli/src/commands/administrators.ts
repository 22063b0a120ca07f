import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { listAll, part } from '../listing.ts'
import { moment } from '../output.ts'
import { type Ending, ending, endingQuery, type Revoked, tellEnded } from '../revocation.ts'
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
  const command = leaf('end <administrator>', 'end one of them; nobody can end themselves', [
    'credence administrators end adm_…',
    'credence administrators end adm_… --attestations --cause compromised --wait 2s',
  ])
  return ending(connected(command))
    .option('--attestations', 'and every delegation that was stated on their word; also later, when they have ended')
    .action(
      action<Ending & { attestations?: true }>(terminal, async ({ api, output, options }, id = '') => {
        const more = options.attestations && { attestations: 'end' }
        const path = `/v1/administrators/${part(id)}${endingQuery(options, more)}`
        const ended = await api().send<Revoked>('DELETE', path)
        const says = `${ended.id} has ended. Its secret is worth nothing now.`
        tellEnded(output, ended, options.attestations ? `${says} Nor is its word.` : says)
      }),
    )
}
