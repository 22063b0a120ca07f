import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { listAll, part } from '../listing.ts'
import { moment } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { seconds } from '../words.ts'

type Instance = {
  id: string
  spiffe_id: string
  version: string
  expires_at: number
  alive: boolean
  credential?: string
}

export function instances(terminal: Terminal): Command {
  return group('instances', 'running copies of an agent, each with its own key and lifetime', [
    start(terminal),
    list(terminal),
  ])
}

function start(terminal: Terminal): Command {
  return connected(
    leaf('start <agent> <public-key-file>', 'a running copy, known by its own key; - reads standard input', [
      'credence keys generate copy.key > copy.pub && credence agents instances start clerk copy.pub --lifetime 8h',
    ]),
  )
    .option('--lifetime <duration>', 'how long it lives (default: 24h)', seconds)
    .option('--version <version>', "its version (default: the agent's)")
    .action(
      action<{ lifetime?: number; version?: string }>(
        terminal,
        async ({ api, output, options, readObject }, agent = '', file = '') => {
          const made = await api().send<Instance>('POST', `/v1/agents/${part(agent)}/instances`, {
            jwk: await readObject(file),
            ...(options.version !== undefined && { version: options.version }),
            ...(options.lifetime !== undefined && { lifetime_seconds: options.lifetime }),
          })
          output.value(made, () =>
            output.fields({
              id: made.id,
              identity: made.spiffe_id,
              version: made.version,
              credential: made.credential,
              expires: moment(made.expires_at * 1000),
            }),
          )
        },
      ),
    )
}

function list(terminal: Terminal): Command {
  return connected(
    leaf('list <agent>', 'the copies of an agent; end one with credence revoke ins_…', [
      'credence agents instances list clerk',
    ]),
  ).action(
    action(terminal, async ({ api, output }, agent = '') => {
      const found = await listAll<Instance>(api(), `/v1/agents/${part(agent)}/instances`)
      output.value(found, () =>
        output.table(
          ['id', 'version', 'standing', 'expires', 'identity'],
          found.items.map((each) => [
            each.id,
            each.version,
            each.alive ? 'alive' : 'revoked',
            moment(each.expires_at * 1000),
            each.spiffe_id,
          ]),
        ),
      )
    }),
  )
}
