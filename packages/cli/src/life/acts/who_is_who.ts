import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Connection } from '../../connection.ts'
import { Failure } from '../../failure.ts'
import { keysOf } from '../../key_set.ts'
import { type AgentPlayer, Cast, type Player } from '../cast.ts'
import { openShop, type Shop } from '../shop.ts'
import type { Story } from '../story.ts'
import type { World } from '../world.ts'

const scopes = ['orders:read', 'refunds:create']

/** Everybody gets an identity; the shop opens and knows of every revocation before its first call. */
export async function whoIsWho(story: Story, api: Connection, directory: string): Promise<World> {
  const cast = new Cast(api, directory)

  story.heading('Who is who')
  await story.step(
    'an organization',
    () => keysOf(api.issuer),
    () => ({ says: api.issuer, aside: 'with keys, agents and a log of its own' }),
  )
  const operator = await operatorOf(cast)
  const audience = (await cast.audienceOf(operator)) ?? `http://localhost:${await freePort(new URL(api.issuer))}`
  const ada = await story.step(
    'Ada, a person',
    () => cast.person('Ada', [{ resource: audience, scope: scopes.join(' ') }]),
    (person) => ({ says: person.id, aside: keyOf(person) }),
  )
  const agentOf = (handle: string, purpose: string): Promise<AgentPlayer> =>
    story.step(
      `${handle}, an agent`,
      () => cast.agent(handle, ada, { purpose, version: '1.0', capabilities: scopes }),
      (agent) => ({ says: agent.spiffeId, aside: keyOf(agent) }),
    )
  const concierge = await agentOf('concierge', 'Answers customers.')
  const clerk = await agentOf('clerk', 'Books refunds.')
  const shop = await story.step(
    'a shop, a protected API',
    () => open(cast, audience, operator),
    () => ({ says: audience, aside: 'verifies calls itself, hears revocations' }),
  )
  return { api, ada, concierge, clerk, shop }
}

/** The shop's own agent: it alone may listen for revocations on the shop's behalf. Owned by a person of its own. */
async function operatorOf(cast: Cast): Promise<AgentPlayer> {
  const owner = await cast.person('Shopkeeper', [])
  return cast.agent('shop', owner, { purpose: 'Runs the shop.', version: '1.0', capabilities: [] })
}

async function open(cast: Cast, audience: string, operator: AgentPlayer): Promise<Shop> {
  await cast.resource(audience, { name: 'The shop', scopes, operator: operator.id, accepts_attested: false })
  try {
    return await openShop(audience, operator)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Failure(
      'port_busy',
      `The shop of the life cannot listen: ${audience} is taken by another program.`,
      'Stop that program, run with --no-life, or begin anew in another --directory.',
      { cause: error },
    )
  }
}

function keyOf({ key, again }: Player): string {
  return `${key.alg} key ${key.kid.slice(0, 6)}…${again ? ', known from before' : ''}`
}

/** The port after the authority's, or any other that is free. Chosen once: the audience of a resource is fixed for ever. */
async function freePort({ port }: URL): Promise<number> {
  const listen = (wanted: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer()
      server.once('error', reject)
      server.listen(wanted, 'localhost', () => {
        const free = (server.address() as AddressInfo).port
        server.close(() => resolve(free))
      })
    })
  return listen(Number(port) + 1).catch(() => listen(0))
}
