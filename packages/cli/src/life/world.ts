import { isRefusal, type Refusal, readStatement, splitChain } from '@credence/protocol'
import type { Delegation } from '@credence/sdk'
import type { Connection } from '../connection.ts'
import { Failure } from '../failure.ts'
import { printable } from '../output.ts'
import type { AgentPlayer, Player } from './cast.ts'
import type { Shop } from './shop.ts'

/** Who there is once the first act is over. */
export type World = {
  api: Connection
  ada: Player
  concierge: AgentPlayer
  clerk: AgentPlayer
  shop: Shop
}

/** What the second act leaves: who was handed what. */
export type Handed = { toConcierge: Delegation; toClerk: Delegation }

/** `spiffe://dev.credence.localhost/agent/clerk` as people say it, and ids with what they are called. */
export function called(world: World, id: string): string {
  const known = [world.ada, world.concierge, world.clerk].find(
    (each) => each.id === id || ('spiffeId' in each && each.spiffeId === id),
  )
  return printable(known?.name ?? id)
}

/** A call of the shop by an agent, with what it was handed. */
export async function callShop(
  world: World,
  agent: AgentPlayer,
  delegation: Delegation,
  { method = 'GET', path, scope }: { method?: string; path: string; scope: string },
): Promise<{ status: number; body: Record<string, unknown>; challenge: string }> {
  const response = await agent.agent.fetch(`${world.shop.audience}${path}`, {
    method,
    resource: world.shop.audience,
    scope,
    delegation,
  })
  const text = await response.text()
  const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
  return { status: response.status, body, challenge: response.headers.get('www-authenticate') ?? '' }
}

/** As `callShop`, for a call that has to be let through. */
export async function served(...given: Parameters<typeof callShop>): Promise<Record<string, unknown>> {
  const { status, body, challenge } = await callShop(...given)
  if (status === 200) return body
  throw new Failure('life_broken', `The shop answered ${status}: ${challenge || JSON.stringify(body)}.`)
}

/** Runs what has to be refused, and gives the refusal. */
export async function refused(run: () => Promise<unknown>): Promise<Refusal> {
  try {
    await run()
  } catch (error) {
    if (isRefusal(error)) return error
    throw error
  }
  throw new Failure('life_broken', 'Something was let through that must be refused.')
}

/** The id of the first hop of a chain: what its delegator, the person, may take back. */
export async function rootOf(delegation: Delegation): Promise<string> {
  const [root = ''] = splitChain(delegation.chain)
  return (await readStatement(root)).id
}
