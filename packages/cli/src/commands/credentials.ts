import { type Command, Option } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { misused } from '../failure.ts'
import { listAll, part } from '../listing.ts'
import { moment } from '../output.ts'
import { type Ending, ending, endingQuery, type Revoked, tellEnded } from '../revocation.ts'
import { keepSecretOf, secretOption } from '../secret_output.ts'
import type { Terminal } from '../terminal.ts'
import { collect, seconds } from '../words.ts'

type Credential = {
  id: string
  kind: string
  kid?: string
  scope?: string[]
  expires_at?: number
  last_used_at_ms?: number
  ended_at_ms?: number
  secret?: string
}

export function credentials(terminal: Terminal): Command {
  return group('credentials', 'how an agent proves itself: several at once, so that one can take over from another', [
    add(terminal),
    list(terminal),
    end(terminal),
  ])
}

type Addition = { key?: string; kind?: string; scope?: string[]; expires?: number; out?: string }

function add(terminal: Terminal): Command {
  const command = leaf(
    'add <agent>',
    'a credential beside those there are: a public key, or, where that cannot be, a secret',
    [
      'credence keys generate clerk.key > clerk.pub && credence agents credentials add clerk --key clerk.pub',
      'credence agents credentials add legacy --kind client_secret --expires 30d --out legacy.secret',
      'credence agents credentials add script --kind api_key --scope orders:read --out script.secret',
    ],
  )
  return secretOption(connected(command))
    .option('--key <file>', 'the public key (JWK); - reads standard input')
    .addOption(new Option('--kind <kind>', 'a secret made by the authority').choices(['client_secret', 'api_key']))
    .option('--scope <scope>', 'a ceiling on what is obtained with it (repeatable; an API key needs one)', collect)
    .option('--expires <duration>', 'when it ends, from now: 30d', seconds)
    .action(
      action<Addition>(terminal, async ({ api, output, options, readObject }, agent = '') => {
        if ((options.key === undefined) === (options.kind === undefined)) misused('Give either --key or --kind.')
        const body = {
          kind: options.kind ?? 'public_key',
          ...(options.key !== undefined && { jwk: await readObject(options.key) }),
          ...(options.scope !== undefined && { scope: options.scope }),
          ...(options.expires !== undefined && { expires_at: Math.floor(Date.now() / 1000) + options.expires }),
        }
        const { made, kept } = await keepSecretOf(
          options.out,
          () => api().send<Credential>('POST', `/v1/agents/${part(agent)}/credentials`, body),
          ({ secret }) => secret,
        )
        const { secret: _, ...credential } = made
        output.value({ ...credential, ...kept.shown }, () => {
          output.fields({ id: made.id, kind: made.kind, 'key id': made.kid, expires: expiry(made) })
          kept.tell(output, made.kind.replace('_', ' '))
        })
      }),
    )
}

function list(terminal: Terminal): Command {
  return connected(
    leaf('list <agent>', 'its credentials, ended ones included', ['credence agents credentials list clerk']),
  ).action(
    action(terminal, async ({ api, output }, agent = '') => {
      const found = await listAll<Credential>(api(), `/v1/agents/${part(agent)}/credentials`)
      output.value(found, () =>
        output.table(
          ['id', 'kind', 'key id', 'last used', 'expires', 'ended'],
          found.items.map((each) => [
            each.id,
            each.kind,
            each.kid,
            moment(each.last_used_at_ms) || 'never',
            expiry(each),
            moment(each.ended_at_ms),
          ]),
        ),
      )
    }),
  )
}

function end(terminal: Terminal): Command {
  const command = leaf('end <agent> <credential>', 'end a credential, and every token obtained with it', [
    'credence agents credentials end clerk crd_… --cause compromised --wait 2s',
  ])
  return ending(connected(command)).action(
    action<Ending>(terminal, async ({ api, output, options }, agent = '', credential = '') => {
      const path = `/v1/agents/${part(agent)}/credentials/${part(credential)}${endingQuery(options)}`
      const ended = await api().send<Revoked>('DELETE', path)
      tellEnded(output, ended, `${ended.id} has ended, and every token obtained with it.`)
    }),
  )
}

function expiry({ expires_at: at }: Credential): string | undefined {
  return at === undefined ? undefined : moment(at * 1000)
}
