import type { Refusal } from '@credence/protocol'
import type { Revoked } from '../../revocation.ts'
import { reachLines } from '../../revocation.ts'
import { duration, type Story } from '../story.ts'
import { callShop, type Handed, refused, rootOf, type World } from '../world.ts'

type Ended = { revoked: Revoked; calls: number; firstRefusedMs: number; refusal: Refusal }

/**
 * Ada takes back what she gave concierge, while the clerk keeps calling with what it got from concierge.
 *
 * @returns the id of the delegation that ended
 */
export async function revocation(story: Story, world: World, { toConcierge, toClerk }: Handed): Promise<string> {
  const { paint } = story
  const { clerk, shop, ada } = world
  const id = await rootOf(toConcierge)

  story.heading('Ada takes it back')
  await story.step(
    'revoked while the clerk calls',
    () => revokeUnderway(world, id, toClerk),
    ({ revoked, calls, firstRefusedMs, refusal }) => ({
      says: `${paint.bold(duration(firstRefusedMs))} after the order, the clerk is refused`,
      aside: `${refusal.status} ${refusal.code}, at call ${calls} since`,
      below: reachLines(revoked, paint),
    }),
  )
  await story.step(
    'clerk asks for a new token',
    () => refused(() => clerk.agent.token({ resource: shop.audience, delegation: toClerk })),
    () => {
      const { status = 0, error = '', code = '' } = clerk.refusedWith() ?? {}
      return {
        says: `${paint.yellow(`${status} ${error}`)}, ${code}`,
        aside: `${ada.name}’s word ended, and all that rests on it`,
      }
    },
  )
  return id
}

/** The clerk calls without a pause; the clock starts when the order to revoke leaves this process. */
async function revokeUnderway(world: World, id: string, toClerk: Handed['toClerk']): Promise<Ended> {
  const { api, clerk, shop } = world
  const call = () =>
    callShop(world, clerk, toClerk, {
      method: 'POST',
      path: '/orders/1042/refunds?amount=1',
      scope: 'refunds:create',
    })
  const started = performance.now()
  const order = api.send<Revoked>('POST', '/v1/revocations', { id, cause: 'withdrawn', wait_ms: 2_000 })
  // Whatever happens to the calls below, a failed order is told where it is awaited.
  order.catch(() => undefined)
  for (let calls = 1; ; calls++) {
    const { status } = await call()
    const { verdict } = shop.seen()
    const afterMs = performance.now() - started
    if (!verdict.ok) return { revoked: await order, calls, firstRefusedMs: afterMs, refusal: verdict.refusal }
    if (afterMs > 10_000) throw new Error(`the shop still answers ${status}, 10 s after the revocation`)
  }
}
