import { type Command, Option } from 'commander'
import { connected, group, leaf } from '../command.ts'
import type { Connection } from '../connection.ts'
import { action } from '../context.ts'
import { Failure, misused } from '../failure.ts'
import { listAll, part } from '../listing.ts'
import { moment } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { collect, milliseconds } from '../words.ts'

type Resource = {
  id: string
  audience: string
  kind: string
  name: string
  scopes: string[]
  tools: Array<{ name: string; scope: string }>
  proof_mode: string
  max_staleness_ms: number
  when_stale: string
  harmless_scopes: string[]
  accepts_attested: boolean
  operator: string | null
  created_at_ms: number
}

export function resources(terminal: Terminal): Command {
  return group('resources', 'protected APIs and MCP servers: what may be asked for there, and who runs them', [
    register(terminal),
    list(terminal),
    show(terminal),
    change(terminal),
  ])
}

type Words = {
  name?: string
  scope?: string[]
  tool?: Array<{ name: string; scope: string }>
  proof?: string
  staleness?: number
  whenStale?: string
  harmless?: string[]
  attested?: boolean
  operator?: string
  kind?: string
}

function words(command: Command): Command {
  return command
    .option('--name <text>', 'what people call it')
    .option('--scope <scope>', 'what may be asked for there (repeatable)', collect)
    .option('--tool <name=scope>', 'a tool, and the scope a call of it needs (repeatable)', tool)
    .option('--operator <agent>', 'the agent that runs it: alone may introspect, and hear of revocations for it')
    .addOption(new Option('--proof <mode>', 'whether a call must prove the key').choices(['required', 'optional']))
    .option('--staleness <duration>', 'how long a cut-off enforcement point may go on: 10s', milliseconds)
    .addOption(
      new Option('--when-stale <rule>', 'what it does then').choices(['refuse', 'introspect', 'harmless_reads']),
    )
    .option('--harmless <scope>', 'for harmless_reads: what may go on until the token expires (repeatable)', collect)
    .option('--no-attested', 'take only delegations whose delegator signed them')
}

function register(terminal: Terminal): Command {
  const command = leaf('register <audience>', 'an API or MCP server, named by the URI that tokens carry', [
    'credence resources register https://shop.example --name Shop --scope orders:read --scope refunds:create --operator shop',
    'credence resources register https://mcp.example/sse --kind mcp --name Tools --scope files:read --tool read_file=files:read',
  ])
  return words(connected(command))
    .addOption(new Option('--kind <kind>', 'what it is').choices(['api', 'mcp']).default('api'))
    .action(
      action<Words>(terminal, async ({ api, output, options }, audience = '') => {
        if (options.scope === undefined) misused('A resource needs at least one --scope.')
        const made = await api().send<Resource>('POST', '/v1/resources', {
          audience,
          kind: options.kind,
          ...(await bodyOf(api(), { name: audience.slice(0, 200), ...options })),
        })
        output.value(made, () => output.fields(fieldsOf(made)))
      }),
    )
}

function list(terminal: Terminal): Command {
  return connected(leaf('list', 'all of them', ['credence resources list'])).action(
    action(terminal, async ({ api, output }) => {
      const found = await listAll<Resource>(api(), '/v1/resources')
      output.value(found, () =>
        output.table(
          ['audience', 'name', 'kind', 'scopes', 'proof', 'id'],
          found.items.map((each) => [
            each.audience,
            each.name,
            each.kind,
            each.scopes.join(' '),
            each.proof_mode,
            each.id,
          ]),
        ),
      )
    }),
  )
}

function show(terminal: Terminal): Command {
  return connected(
    leaf('show <resource>', 'one of them, by its audience or id', ['credence resources show https://shop.example']),
  ).action(
    action(terminal, async ({ api, output }, resource = '') => {
      const found = await findResource(api(), resource)
      output.value(found, () => output.fields(fieldsOf(found)))
    }),
  )
}

function change(terminal: Terminal): Command {
  const command = leaf('change <resource>', 'change what is given; the rest stays', [
    'credence resources change https://shop.example --staleness 2s --when-stale introspect',
  ])
  return words(connected(command)).action(
    action<Words>(terminal, async ({ api, output, options }, resource = '') => {
      const found = await findResource(api(), resource)
      const changed = await api().send<Resource>(
        'PATCH',
        `/v1/resources/${part(found.id)}`,
        await bodyOf(api(), options),
      )
      output.value(changed, () => output.fields(fieldsOf(changed)))
    }),
  )
}

async function findResource(api: Connection, idOrAudience: string): Promise<Resource> {
  if (idOrAudience.startsWith('rsc_')) return api.get<Resource>(`/v1/resources/${part(idOrAudience)}`)
  const { items } = await listAll<Resource>(api, '/v1/resources', {}, 10_000)
  const found = items.find(({ audience }) => audience === idOrAudience)
  if (found !== undefined) return found
  throw new Failure('not_found', `No resource has the audience ${idOrAudience}.`, 'See `credence resources list`.')
}

async function bodyOf(api: Connection, options: Words): Promise<Record<string, unknown>> {
  const { name, scope, tool, proof, staleness, whenStale, harmless, attested, operator } = options
  const given = {
    name,
    scopes: scope,
    tools: tool,
    proof_mode: proof,
    max_staleness_ms: staleness,
    when_stale: whenStale,
    harmless_scopes: harmless,
    // Commander sets it to true when nothing was said; silence must not overrule what is registered.
    accepts_attested: attested === false ? false : undefined,
    operator: operator === undefined ? undefined : await agentId(api, operator),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

async function agentId(api: Connection, idOrHandle: string): Promise<string> {
  return (await api.get<{ id: string }>(`/v1/agents/${part(idOrHandle)}`)).id
}

function tool(
  text: string,
  before: Array<{ name: string; scope: string }> = [],
): Array<{ name: string; scope: string }> {
  const at = text.indexOf('=')
  if (at <= 0) misused(`--tool takes <name>=<scope>, and "${text}" is not that.`)
  return [...before, { name: text.slice(0, at), scope: text.slice(at + 1) }]
}

function fieldsOf(resource: Resource): Record<string, unknown> {
  return {
    audience: resource.audience,
    id: resource.id,
    name: resource.name,
    kind: resource.kind,
    scopes: resource.scopes.join(' '),
    tools: resource.tools.map(({ name, scope }) => `${name} (${scope})`).join(', ') || undefined,
    proof: resource.proof_mode,
    lease: `${resource.max_staleness_ms / 1000} s, then ${thenOf(resource)}`,
    attested: resource.accepts_attested ? 'accepted' : 'refused',
    operator: resource.operator ?? 'none',
    registered: moment(resource.created_at_ms),
  }
}

function thenOf({ when_stale: rule, harmless_scopes: scopes }: Resource): string {
  return rule === 'harmless_reads' ? `harmless reads (${scopes.join(' ') || 'none'})` : rule
}
