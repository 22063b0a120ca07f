import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import type { Connection } from '../connection.ts'
import { action } from '../context.ts'
import { Failure } from '../failure.ts'
import { listAll, part } from '../listing.ts'
import { moment, printable } from '../output.ts'
import { type Ending, ending, endingBody, type Revoked, tellEnded } from '../revocation.ts'
import { keepSecretOf, secretOption } from '../secret_output.ts'
import type { Terminal } from '../terminal.ts'

type Organization = {
  id: string
  handle: string
  issuer: string
  trust_domain: string
  created_at_ms: number
  suspended_at_ms?: number
}
type Made = Organization & { administrator: { id: string; secret?: string } }

export function organizations(terminal: Terminal): Command {
  return group('organizations', 'the tenants of this installation; needs the installation administrator’s secret', [
    create(terminal),
    list(terminal),
    suspend(terminal),
    resume(terminal),
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
          ['handle', 'issuer', 'trust domain', 'created', 'suspended'],
          found.items.map((each) => [
            each.handle,
            each.issuer,
            each.trust_domain,
            moment(each.created_at_ms),
            moment(each.suspended_at_ms),
          ]),
        ),
      )
    }),
  )
}

function suspend(terminal: Terminal): Command {
  const says = 'stop an organization whole; its own administrators cannot bring it back'
  const command = leaf('suspend <organization>', says, [
    'credence organizations suspend acme --cause compromised --wait 2s',
  ])
  return ending(connected(command)).action(
    action<Ending>(terminal, async ({ installation, output, options }, named = '') => {
      const id = await idOf(installation(), named)
      const path = `/v1/organizations/${part(id)}/suspend`
      const stopped = await installation().send<Revoked>('POST', path, endingBody(options))
      tellEnded(output, stopped, `${stopped.id} is suspended.`)
    }),
  )
}

function resume(terminal: Terminal): Command {
  return connected(
    leaf('resume <organization>', 'let a suspended organization work again; what it held before stays dead', [
      'credence organizations resume acme',
    ]),
  ).action(
    action(terminal, async ({ installation, output }, named = '') => {
      const id = await idOf(installation(), named)
      const resumed = await installation().send<Organization>('POST', `/v1/organizations/${part(id)}/resume`)
      output.value(resumed, () => output.line(`${printable(resumed.handle)} is back. It needs new tokens.`))
    }),
  )
}

async function idOf(installation: Connection, named: string): Promise<string> {
  if (named.startsWith('org_')) return named
  const { items } = await listAll<Organization>(installation, '/v1/organizations', {}, Number.POSITIVE_INFINITY)
  const found = items.find(({ handle }) => handle === named)
  if (found === undefined) throw new Failure('not_found', 'There is no such organization.')
  return found.id
}
