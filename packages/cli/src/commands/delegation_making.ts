import { type Constraint, joinChain, readStatement, splitChain } from '@credence/protocol'
import { createAgent, delegateAs, type Handover } from '@credence/sdk'
import type { Command } from 'commander'
import { keyIn, spiffeIdOf } from '../agent_identity.ts'
import { connected, leaf } from '../command.ts'
import { action, type Context } from '../context.ts'
import { keepSecretOf } from '../secret_output.ts'
import type { Terminal } from '../terminal.ts'
import { collect, constraint, seconds, wholeNumber } from '../words.ts'

type Words = {
  to: string
  resource: string[]
  scope: string
  constraint?: Constraint[]
  expires?: number
  depth?: number
  task?: string
  onward?: string[]
}

function words(command: Command): Command {
  return command
    .requiredOption(
      '--to <agent>',
      'who receives: SPIFFE ID of an agent or instance, or a handle (which is then looked up)',
    )
    .requiredOption('--resource <audience>', 'where it may be used (repeatable)', collect)
    .requiredOption('--scope <scopes>', 'what for, separated by spaces')
    .option(
      '--constraint <bound>',
      "a bound on arguments: 'amount<=50', 'branch^=feature/', 'region=eu,us' (repeatable)",
      constraint,
    )
    .option('--expires <duration>', 'how long it lives: 2h (default: 24h, at most 90d)', seconds)
    .option('--depth <n>', 'how many times it may be handed on (default: 0)', wholeNumber)
    .option('--task <task>', 'the one task it is for')
    .option('--onward <audience>', 'where a resource called with it may go on to on its behalf (repeatable)', collect)
}

type Signing = Words & { as: string; key: string; parent?: string; out?: string }

export function sign(terminal: Terminal): Command {
  const command = leaf(
    'sign',
    'sign a hand-over with a key file, without asking anybody: the chain that results is what the delegate needs',
    [
      "credence delegations sign --as psn_… --key ada.key --to concierge --resource https://shop.example --scope 'orders:read refunds:create' --constraint 'amount<=200' --depth 1 --out ada.chain",
      'credence delegations sign --as concierge --key concierge.key --parent ada.chain --to clerk --resource https://shop.example --scope refunds:create --out clerk.chain',
    ],
  )
  return words(connected(command))
    .requiredOption('--as <delegator>', 'who hands over: a psn_ id, or an agent')
    .requiredOption('--key <file>', 'the private key of the delegator')
    .option('--parent <chain-file>', 'what the delegator was handed, when it hands on')
    .option('--out <file>', 'write the chain to this new file instead of printing it')
    .action(
      action<Signing>(terminal, async (context) => {
        const { output, options } = context
        const { made: chain } = await keepSecretOf(options.out, () => signedChain(context), String)
        const { id } = await leafOf(chain)
        output.value({ id, ...(options.out === undefined ? { chain } : { chain_file: options.out }) }, () =>
          output.line(options.out === undefined ? chain : `Signed ${id}; the chain is in ${options.out}.`),
        )
      }),
    )
}

async function signedChain(context: Context<Signing>): Promise<string> {
  const { as, key: file, parent } = context.options
  const issuer = context.issuer()
  const key = await keyIn(file)
  const handover = await handoverIn(context)
  if (as.startsWith('psn_')) return delegateAs({ person: as, key, issuer }, handover)
  const agent = createAgent({ issuer, clientId: await spiffeIdOf(context, as), key })
  return agent.delegate({ ...handover, ...(parent !== undefined && { parent: (await context.read(parent)).trim() }) })
}

async function leafOf(chain: string): Promise<{ id: string }> {
  const { id } = await readStatement(splitChain(chain).at(-1) ?? '')
  return { id }
}

async function handoverIn(context: Context<Words>): Promise<Handover> {
  const { to, resource, scope, constraint, expires, depth, task, onward } = context.options
  return {
    to: await spiffeIdOf(context, to),
    resources: resource,
    scope,
    ...(constraint !== undefined && { constraints: constraint }),
    ...(expires !== undefined && { expiresIn: expires }),
    ...(depth !== undefined && { maxDepth: depth }),
    ...(task !== undefined && { task }),
    ...(onward !== undefined && { onward }),
  }
}

type Known = { id: string; hash: string; principal: string; chain: string[] }

export function register(terminal: Terminal): Command {
  return connected(
    leaf(
      'register <chain-file>',
      'make a signed chain known to the authority; - reads standard input. The first exchange does it too',
      ['credence delegations register ada.chain'],
    ),
  ).action(
    action(terminal, async ({ api, output, read }, file = '') => {
      const statements = splitChain((await read(file)).trim())
      const known = await api().send<Known>('POST', '/v1/delegations', { statements })
      output.value(known, () =>
        output.fields({ id: known.id, hash: known.hash, principal: known.principal, hops: known.chain.length }),
      )
    }),
  )
}

type Attesting = Words & { delegator: string; parent?: string; out?: string }

export function attest(terminal: Terminal): Command {
  const command = leaf(
    'attest',
    'let the authority state a hand-over that its delegator consented to without a key; it names you',
    [
      'credence delegations attest --delegator psn_… --to concierge --resource https://shop.example --scope orders:read --out ada.chain',
    ],
  )
  return words(connected(command))
    .requiredOption('--delegator <id>', 'who consented: a psn_ id, or an agent')
    .option('--parent <hash>', 'hash of the statement by which the delegator got it')
    .option('--out <file>', 'write the chain to this new file instead of printing it')
    .action(
      action<Attesting>(terminal, async (context) => {
        const { output, options } = context
        const { resources, ...handover } = await handoverIn(context)
        const body = {
          delegator: options.delegator,
          delegate: handover.to,
          aud: resources,
          scope: handover.scope,
          ...(handover.constraints !== undefined && { constraints: handover.constraints }),
          ...(handover.expiresIn !== undefined && { expires_in: handover.expiresIn }),
          ...(handover.maxDepth !== undefined && { max_depth: handover.maxDepth }),
          ...(handover.task !== undefined && { task: handover.task }),
          ...(handover.onward !== undefined && { onward: handover.onward }),
          ...(options.parent !== undefined && { parent: options.parent }),
        }
        const { made: known } = await keepSecretOf(
          options.out,
          () => context.api().send<Known>('POST', '/v1/delegations', body),
          ({ chain }) => joinChain(chain),
        )
        output.value({ ...known, ...(options.out !== undefined && { chain_file: options.out }) }, () => {
          output.fields({
            id: known.id,
            hash: known.hash,
            principal: known.principal,
            chain: options.out ?? joinChain(known.chain),
          })
        })
      }),
    )
}
