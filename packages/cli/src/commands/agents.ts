import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { listAll, part } from '../listing.ts'
import { moment, printable } from '../output.ts'
import { type Ending, ending, endingBody, type Revoked, tellEnded } from '../revocation.ts'
import type { Terminal } from '../terminal.ts'
import { collect, type Permission, permission } from '../words.ts'
import { credentials } from './credentials.ts'
import { instances } from './instances.ts'

type Agent = {
  id: string
  handle: string
  client_id: string
  owner: string
  purpose: string
  version: string
  capabilities: string[]
  permissions: Permission[]
  credential_policy: { kinds: string[]; max_lifetime_seconds?: number }
  status: string
  created_at_ms: number
}

export function agents(terminal: Terminal): Command {
  return group('agents', 'registered agents: their identity, owner, credentials and running copies', [
    register(terminal),
    list(terminal),
    show(terminal),
    change(terminal),
    stop(terminal, 'suspend', 'stop an agent everywhere, until it is resumed'),
    resume(terminal),
    stop(terminal, 'retire', 'end an agent for good; its record and its handle stay'),
    owner(terminal),
    credentials(terminal),
    instances(terminal),
  ])
}

type Registration = Change & { owner: string; purpose: string }

type Change = {
  purpose?: string
  version?: string
  can?: string[]
  may?: Permission[]
  allow?: string[]
}

function words(command: Command): Command {
  return command
    .option('--version <version>', 'which version of it runs (default at registration: 1)')
    .option('--can <scope>', 'a scope it may ever hold, whatever is handed to it (repeatable)', collect)
    .option('--may <resource=scopes>', 'what it may do for itself at one resource (repeatable)', permission)
    .option(
      '--allow <kind>',
      'a kind of credential it may have: public_key, client_secret, api_key (repeatable; default: public_key)',
      collect,
    )
}

function register(terminal: Terminal): Command {
  const command = leaf('register <handle>', 'an agent: its handle is part of its identity for ever', [
    "credence agents register clerk --owner psn_… --purpose 'Books refunds.' --can refunds:create",
    "credence agents register nightly --owner psn_… --purpose 'Reports.' --may 'https://shop.example=orders:read'",
  ])
  return words(connected(command))
    .requiredOption('--owner <person>', 'the psn_ id of who answers for it')
    .requiredOption('--purpose <text>', 'what it is for, in a sentence')
    .action(
      action<Registration>(terminal, async ({ api, output, options }, handle) => {
        // What it may do for itself it must be able to hold.
        const can = options.can ?? [...new Set((options.may ?? []).flatMap(({ scope }) => scope.split(' ')))]
        const body = { handle, owner: options.owner, ...bodyOf({ ...options, can }) }
        const agent = await api().send<Agent>('POST', '/v1/agents', body)
        output.value(agent, () => output.fields(fieldsOf(agent)))
      }),
    )
}

function change(terminal: Terminal): Command {
  const command = leaf('change <agent>', 'change what is given; the rest stays', [
    'credence agents change clerk --version 1.1 --can refunds:create --can orders:read',
  ])
  return words(connected(command))
    .option('--purpose <text>', 'what it is for, in a sentence')
    .action(
      action<Change>(terminal, async ({ api, output, options }, agent = '') => {
        const changed = await api().send<Agent>('PATCH', `/v1/agents/${part(agent)}`, bodyOf(options))
        output.value(changed, () => output.fields(fieldsOf(changed)))
      }),
    )
}

function bodyOf({ purpose, version, can, may, allow }: Change): Record<string, unknown> {
  return {
    ...(purpose !== undefined && { purpose }),
    ...(version !== undefined && { version }),
    ...(can !== undefined && { capabilities: can }),
    ...(may !== undefined && { permissions: may }),
    ...(allow !== undefined && { credential_policy: { kinds: allow } }),
  }
}

function list(terminal: Terminal): Command {
  return connected(
    leaf('list', 'who is registered', ['credence agents list', 'credence agents list --owner psn_… --json']),
  )
    .option('--owner <person>', 'only theirs')
    .action(
      action<{ owner?: string }>(terminal, async ({ api, output, options }) => {
        const found = await listAll<Agent>(api(), '/v1/agents', { owner: options.owner })
        output.value(found, () =>
          output.table(
            ['handle', 'status', 'version', 'owner', 'client id'],
            found.items.map((each) => [each.handle, each.status, each.version, each.owner, each.client_id]),
          ),
        )
      }),
    )
}

function show(terminal: Terminal): Command {
  return connected(leaf('show <agent>', 'one agent, by its handle or id', ['credence agents show clerk'])).action(
    action(terminal, async ({ api, output }, agent = '') => {
      const found = await api().get<Agent>(`/v1/agents/${part(agent)}`)
      output.value(found, () => output.fields(fieldsOf(found)))
    }),
  )
}

function stop(terminal: Terminal, verb: 'suspend' | 'retire', says: string): Command {
  const command = leaf(`${verb} <agent>`, says, [`credence agents ${verb} clerk --cause compromised --wait 2s`])
  return ending(connected(command)).action(
    action<Ending>(terminal, async ({ api, output, options }, agent = '') => {
      const ended = await api().send<Revoked>('POST', `/v1/agents/${part(agent)}/${verb}`, endingBody(options))
      tellEnded(output, ended, `${ended.id} is ${verb === 'suspend' ? 'suspended' : 'retired'}.`)
    }),
  )
}

function resume(terminal: Terminal): Command {
  return connected(
    leaf('resume <agent>', 'let a suspended agent work again; what it held before stays dead', [
      'credence agents resume clerk',
    ]),
  ).action(
    action(terminal, async ({ api, output }, agent = '') => {
      const resumed = await api().send<Agent>('POST', `/v1/agents/${part(agent)}/resume`)
      output.value(resumed, () =>
        output.line(printable(`${resumed.handle} is ${resumed.status}. It needs new tokens.`)),
      )
    }),
  )
}

function owner(terminal: Terminal): Command {
  return connected(
    leaf('owner <agent> <person>', 'give an agent to another owner', ['credence agents owner clerk psn_…']),
  ).action(
    action(terminal, async ({ api, output }, agent = '', person = '') => {
      const moved = await api().send<Agent>('PUT', `/v1/agents/${part(agent)}/owner`, { owner: person })
      output.value(moved, () => output.fields(fieldsOf(moved)))
    }),
  )
}

function fieldsOf(agent: Agent): Record<string, unknown> {
  return {
    handle: agent.handle,
    id: agent.id,
    'client id': agent.client_id,
    status: agent.status,
    owner: agent.owner,
    purpose: agent.purpose,
    version: agent.version,
    'can hold': agent.capabilities.join(' ') || 'nothing',
    'may itself': agent.permissions.map(({ resource, scope }) => `${scope} at ${resource}`).join('; ') || 'nothing',
    credentials: agent.credential_policy.kinds.join(', '),
    registered: moment(agent.created_at_ms),
  }
}
