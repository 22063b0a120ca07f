import { type AccessToken, delegateAs } from '@credence/sdk'
import { printable } from '../../output.ts'
import type { Story } from '../story.ts'
import { type Handed, served, type World } from '../world.ts'

/** Ada hands over, concierge hands on less, and each gets a token for what it has. */
export async function delegation(story: Story, world: World): Promise<Handed> {
  const { ada, concierge, clerk, shop, api } = world
  const resources = [shop.audience]

  story.heading('Ada hands over, the agent hands on less')
  const given = await story.step(
    'Ada → concierge',
    () =>
      delegateAs(
        { person: ada.id, key: ada.key, issuer: api.issuer },
        {
          to: concierge.spiffeId,
          resources,
          scope: 'orders:read refunds:create',
          constraints: [{ key: 'amount', max: 200 }],
          expiresIn: 3600,
          maxDepth: 1,
        },
      ),
    () => ({ says: 'orders:read refunds:create, amount ≤ 200', aside: 'her signature, nobody asked' }),
  )
  const toConcierge = await concierge.agent.accept(given)
  await story.step(
    'concierge gets a token for it',
    () => concierge.agent.token({ resource: shop.audience, scope: 'orders:read', delegation: toConcierge }),
    (token) => ({ says: `${token.scope}, ${lifetime(token)}`, aside: 'bound to its key, for the shop alone' }),
  )
  await story.step(
    'concierge reads an order',
    () => served(world, concierge, toConcierge, { path: '/orders/1042', scope: 'orders:read' }),
    (order) => ({ says: '200', aside: printable(JSON.stringify(order)) }),
  )
  const handedOn = await story.step(
    'concierge → clerk',
    () =>
      concierge.agent.delegate({
        parent: toConcierge,
        to: clerk.spiffeId,
        resources,
        scope: 'refunds:create',
        constraints: [{ key: 'amount', max: 50 }],
      }),
    () => ({ says: 'refunds:create, amount ≤ 50', aside: 'less; its signature, nobody asked' }),
  )
  const toClerk = await clerk.agent.accept(handedOn)
  await story.step(
    'clerk gets a token for it',
    () => clerk.agent.token({ resource: shop.audience, scope: 'refunds:create', delegation: toClerk }),
    (token) => ({
      says: `${token.scope}, ${lifetime(token)}`,
      aside: 'both hand-overs checked, registered, recorded',
    }),
  )
  return { toConcierge, toClerk }
}

function lifetime(token: AccessToken): string {
  return `${Math.round((token.expiresAtMs - Date.now()) / 1000)} s`
}
