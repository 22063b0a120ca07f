import type { Constraint } from '@credence/protocol'
import type { Command } from 'commander'
import { spiffeIdOf } from '../agent_identity.ts'
import { connected, leaf } from '../command.ts'
import { action, type Context } from '../context.ts'
import { listAll, part } from '../listing.ts'
import { moment, type Output, printable } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { constraintText } from '../words.ts'

type Delegation = {
  id: string
  hash: string
  parent_hash?: string
  delegator: string
  delegate: string
  principal: string
  aud: string[]
  onward: string[]
  scope: string
  constraints: Constraint[]
  task?: string
  max_depth: number
  depth: number
  evidence: { kind: string; by?: string; how?: string }
  issued_at: number
  expires_at: number
  alive: boolean
}

type Filter = { principal?: string; from?: string; to?: string; attestedBy?: string }

export function list(terminal: Terminal): Command {
  return connected(
    leaf('list', 'hand-overs the authority knows', [
      'credence delegations list',
      'credence delegations list --principal psn_… --json',
    ]),
  )
    .option('--principal <id>', 'on whose behalf')
    .option('--from <id>', 'who handed over: a psn_ id, or an agent')
    .option('--to <agent>', 'who received')
    .option('--attested-by <id>', 'on whose word the authority stated it: an adm_ or agt_ id')
    .action(
      action<Filter>(terminal, async (context) => {
        const { api, output, options } = context
        const found = await listAll<Delegation>(api(), '/v1/delegations', {
          principal: options.principal,
          delegator: options.from && (await partyOf(context, options.from)),
          delegate: options.to && (await spiffeIdOf(context, options.to)),
          attested_by: options.attestedBy,
        })
        output.value(found, () =>
          output.table(
            ['id', 'standing', 'from', 'to', 'scope', 'expires'],
            found.items.map((each) => [
              each.id,
              standingOf(each),
              short(each.delegator),
              short(each.delegate),
              each.scope,
              moment(each.expires_at * 1000),
            ]),
          ),
        )
      }),
    )
}

/** Ids of people and the like as they are; agents by handle or SPIFFE ID. */
function partyOf(context: Context<unknown>, party: string): Promise<string> {
  return /^(?:psn|svc|org)_/.test(party) ? Promise.resolve(party) : spiffeIdOf(context, party)
}

export function show(terminal: Terminal): Command {
  return connected(
    leaf('show <delegation>', 'one hand-over, where it came from and what rests on it, as a tree', [
      'credence delegations show dlg_…',
    ]),
  ).action(
    action(terminal, async ({ api, output }, id = '') => {
      const found = await api().get<Delegation>(`/v1/delegations/${part(id)}`)
      const { items } = await listAll<Delegation>(api(), '/v1/delegations', { principal: found.principal }, 10_000)
      const above = ancestorsOf(found, items)
      const family = [...above, found, ...descendantsOf(found, items)]
      output.value({ ...found, chain: [...above, found], below: descendantsOf(found, items) }, () => {
        output.fields(fieldsOf(found))
        output.line()
        drawTree(output, family, found)
      })
    }),
  )
}

/** Root first. */
function ancestorsOf({ parent_hash: hash }: Delegation, all: readonly Delegation[]): Delegation[] {
  const parent = hash === undefined ? undefined : all.find((each) => each.hash === hash)
  return parent === undefined ? [] : [...ancestorsOf(parent, all), parent]
}

function descendantsOf({ hash }: Delegation, all: readonly Delegation[]): Delegation[] {
  return all.filter((each) => each.parent_hash === hash).flatMap((child) => [child, ...descendantsOf(child, all)])
}

function drawTree({ line, paint }: Output, family: readonly Delegation[], chosen: Delegation): void {
  const draw = (node: Delegation, indent: string, last: boolean): void => {
    const standing = standingOf(node)
    const state = standing === 'alive' ? '' : `  ${paint.red(standing)}`
    const name = node === chosen ? paint.bold(printable(short(node.delegate))) : printable(short(node.delegate))
    const bounds = node.constraints.map((bound) => `, ${constraintText(bound)}`).join('')
    line(
      `${indent}${last ? '└─' : '├─'} ${name}  ${paint.dim(`${printable(`${node.scope}${bounds}`)}  ${node.evidence.kind}  ${node.id}`)}${state}`,
    )
    const children = family.filter((each) => each.parent_hash === node.hash)
    children.forEach((child, place) => {
      draw(child, `${indent}${last ? '   ' : '│  '}`, place === children.length - 1)
    })
  }
  const [root] = family
  if (root === undefined) return
  line(printable(root.delegator))
  draw(root, '', true)
}

function fieldsOf(delegation: Delegation): Record<string, unknown> {
  const { evidence } = delegation
  return {
    id: delegation.id,
    standing: standingOf(delegation),
    from: delegation.delegator,
    to: delegation.delegate,
    'on behalf of': delegation.principal,
    at: delegation.aud,
    'and onward': delegation.onward.length > 0 ? delegation.onward : undefined,
    may: delegation.scope,
    only: delegation.constraints.map(constraintText).join(', ') || undefined,
    task: delegation.task,
    'hand on': delegation.max_depth === 0 ? 'no further' : `${delegation.max_depth} more`,
    evidence: evidence.kind === 'attested' ? `attested (${evidence.how}) by ${evidence.by}` : evidence.kind,
    made: moment(delegation.issued_at * 1000),
    expires: moment(delegation.expires_at * 1000),
    hash: delegation.hash,
  }
}

function standingOf({ alive, expires_at }: Delegation): string {
  if (!alive) return 'ended'
  return expires_at * 1000 <= Date.now() ? 'expired' : 'alive'
}

/** An agent's SPIFFE ID without what all of them share; ids as they are. */
function short(party: string): string {
  return /^spiffe:\/\/[^/]+\/agent\/(.+)$/.exec(party)?.[1] ?? party
}
