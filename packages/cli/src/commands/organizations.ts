import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { listAll } from '../listing.ts'
import { moment } from '../output.ts'
import { keepSecretOf, secretOption } from '../secret_output.ts'
import type { Terminal } from '../terminal.ts'

type Organization = { id: string; handle: string; issuer: string; trust_domain: string; created_at_ms: number }
type Made = Organization & { administrator: { id: string; secret?: string } }

export function organizations(terminal: Terminal): Command {
  return group('organizations', 'the tenants of this installation; needs the installation administrator’s secret', [
    create(terminal),
    list(terminal),
  ])
}

function create(terminal: Terminal): Command {
  const command = leaf('create <handle>', 'a new organization and its first administrator', [
    'credence organizations create acme --issuer https://id.example.com --secret-file ./installation-administrator --out ./acme-administrator',
  ])
  return secretOption(connected(command))
    .option('--name <name>', 'what people call it (default: the handle)')
    .action(
      action<{ name?: string; out?: string }>(terminal, async ({ installation, output, options }, handle) => {
        const { made, kept } = await keepSecretOf(
          options.out,
          () =>
            installation().send<Made>('POST', '/v1/organizations', {
              handle,
              ...(options.name !== undefined && { display_name: options.name }),
            }),
          ({ administrator }) => administrator.secret,
        )
        const { secret: _, ...administrator } = made.administrator
        output.value({ ...made, administrator: { ...administrator, ...kept.shown } }, () => {
          output.fields({
            id: made.id,
            issuer: made.issuer,
            'trust domain': made.trust_domain,
            administrator: administrator.id,
          })
          kept.tell(output, 'administrator secret')
        })
      }),
    )
}

function list(terminal: Terminal): Command {
  return connected(leaf('list', 'all organizations', ['credence organizations list'])).action(
    action(terminal, async ({ installation, output }) => {
      const found = await listAll<Organization>(installation(), '/v1/organizations')
      output.value(found, () =>
        output.table(
          ['handle', 'issuer', 'trust domain', 'created'],
          found.items.map((each) => [each.handle, each.issuer, each.trust_domain, moment(each.created_at_ms)]),
        ),
      )
    }),
  )
}
