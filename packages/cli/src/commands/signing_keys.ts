import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { part } from '../listing.ts'
import { moment, printable } from '../output.ts'
import { type Ending, ending, endingBody, type Revoked, tellEnded } from '../revocation.ts'
import type { Terminal } from '../terminal.ts'

type SigningKey = {
  id: string
  alg: string
  state: string
  prepared_at_ms: number
  activated_at_ms?: number
  retired_at_ms?: number
}

export function signingKeys(terminal: Terminal): Command {
  return group('signing-keys', 'the keys with which the authority signs for the organization', [
    list(terminal),
    rotate(terminal),
    revoke(terminal),
  ])
}

function list(terminal: Terminal): Command {
  return connected(leaf('list', 'all of them, and where each is in its life', ['credence signing-keys list'])).action(
    action(terminal, async ({ api, output }) => {
      const found = await api().get<{ items: SigningKey[] }>('/v1/signing-keys')
      output.value(found, () =>
        output.table(
          ['id', 'algorithm', 'state', 'made', 'signs since', 'retired'],
          found.items.map((each) => [
            each.id,
            each.alg,
            each.state,
            moment(each.prepared_at_ms),
            moment(each.activated_at_ms),
            moment(each.retired_at_ms),
          ]),
        ),
      )
    }),
  )
}

function rotate(terminal: Terminal): Command {
  return connected(
    leaf('rotate', 'publish the next key now; it signs once every cached key set knows it', [
      'credence signing-keys rotate',
    ]),
  ).action(
    action(terminal, async ({ api, output }) => {
      const next = await api().send<{ id: string }>('POST', '/v1/signing-keys')
      output.value(next, () =>
        output.line(`${printable(next.id)} is published, and will sign once every cached key set knows it.`),
      )
    }),
  )
}

function revoke(terminal: Terminal): Command {
  const command = leaf('revoke <key>', 'end a key and every token it signed; its successor signs at once', [
    'credence signing-keys revoke sgk_… --cause compromised --wait 2s',
  ])
  return ending(connected(command))
    .option('--note <text>', 'why, in words; the log holds a commitment to it only')
    .action(
      action<Ending & { note?: string }>(terminal, async ({ api, output, options }, id = '') => {
        const ended = await api().send<Revoked>('POST', `/v1/signing-keys/${part(id)}/revoke`, {
          ...endingBody(options),
          ...(options.note !== undefined && { note: options.note }),
        })
        tellEnded(output, ended, `${ended.id} has ended, and every token it signed.`)
      }),
    )
}
