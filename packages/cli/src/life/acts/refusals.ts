import { joinChain, newStatement, readStatement, signStatement, splitChain } from '@credence/protocol'
import { Failure } from '../../failure.ts'
import { printable } from '../../output.ts'
import type { Story, Told } from '../story.ts'
import { callShop, type Handed, refused, type World } from '../world.ts'

/** Everything that asks for too much is refused: at the authority, and at the shop. */
export async function refusals(story: Story, world: World, { toConcierge, toClerk }: Handed): Promise<void> {
  const { paint } = story
  const { clerk, shop } = world

  const atAuthority = (): Told => {
    const { status, error, code, says } = clerk.refusedWith() ?? broken()
    return { says: `${paint.yellow(`${status} ${error}`)}, ${code}`, aside: printable(says) }
  }
  const atShop = ({ status }: { status: number }): Told => {
    const { verdict } = shop.seen()
    if (verdict.ok) return broken()
    return { says: paint.yellow(`${status} ${verdict.refusal.code}`), aside: printable(verdict.refusal.message) }
  }

  story.heading('Too much is refused')
  await story.step(
    'clerk asks for orders:read too',
    () =>
      refused(() =>
        clerk.agent.token({ resource: shop.audience, scope: 'orders:read refunds:create', delegation: toClerk }),
      ),
    atAuthority,
  )
  await story.step(
    'concierge forges a wider hand-over',
    async () => {
      const forged = await forge(world, toConcierge)
      return refused(() => clerk.agent.token({ resource: shop.audience, scope: 'refunds:create', delegation: forged }))
    },
    atAuthority,
  )
  await story.step(
    'clerk reads an order',
    () => callShop(world, clerk, toClerk, { path: '/orders/1042', scope: 'refunds:create' }),
    atShop,
  )
  await story.step(
    'clerk refunds 80',
    () =>
      callShop(world, clerk, toClerk, {
        method: 'POST',
        path: '/orders/1042/refunds?amount=80',
        scope: 'refunds:create',
      }),
    atShop,
  )
}

/** Concierge's own key signs ten times what Ada gave it. The SDK would not; whoever holds a key can. */
async function forge({ concierge, clerk, shop, api }: World, { chain }: Handed['toConcierge']): Promise<string> {
  const received = splitChain(chain)
  const { statement, hash } = await readStatement(received.at(-1) ?? '')
  const now = Math.floor(Date.now() / 1000)
  const wider = newStatement(
    {
      iss: concierge.spiffeId,
      sub: statement.sub,
      delegate: clerk.spiffeId,
      authority: api.issuer,
      aud: [shop.audience],
      scope: 'refunds:create',
      constraints: [{ key: 'amount', max: 2000 }],
      exp: statement.exp,
      par_hash: hash,
    },
    now,
  )
  return joinChain([...received, await signStatement(concierge.key, wider)])
}

function broken(): never {
  throw new Failure('life_broken', 'What asks for too much was let through.')
}
