import { type AccessTokenClaims, verifyAccessToken } from '@credence/protocol'
import { type AccessToken, delegateAs } from '@credence/sdk'
import { keysOf } from '../../key_set.ts'
import { printable } from '../../output.ts'
import { provenFrom } from '../shop.ts'
import { duration, type Story } from '../story.ts'
import { called, type Handed, served, type World } from '../world.ts'

/** More calls, to see what verifying costs once everything is warm. */
const moreCalls = 100

/** Ada hands over, concierge hands on less, the clerk calls; the shop says what it found out. */
export async function delegation(story: Story, world: World): Promise<Handed> {
  const { paint } = story
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
    () => `orders:read refunds:create, amount ≤ 200, 1 h  ${paint.dim('signed by her key, nobody asked')}`,
  )
  const toConcierge = await concierge.agent.accept(given)
  await story.step(
    'concierge gets a token for it',
    () => concierge.agent.token({ resource: shop.audience, scope: 'orders:read', delegation: toConcierge }),
    (token) => `${token.scope}, ${lifetime(token)}  ${paint.dim('bound to its key, for the shop alone')}`,
  )
  await story.step(
    'concierge reads an order',
    () => served(world, concierge, toConcierge, { path: '/orders/1042', scope: 'orders:read' }),
    (order) => `200  ${paint.dim(printable(JSON.stringify(order)))}`,
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
    () => `refunds:create, amount ≤ 50  ${paint.dim('less of it; signed by its key, nobody asked')}`,
  )
  const toClerk = await clerk.agent.accept(handedOn)
  const claims = await story.step(
    'clerk gets a token for it',
    async () => {
      const token = await clerk.agent.token({ resource: shop.audience, scope: 'refunds:create', delegation: toClerk })
      return claimsOf(world, token)
    },
    ({ scope, iat, exp }) =>
      `${scope}, ${exp - iat} s  ${paint.dim('both hand-overs checked, registered and recorded')}`,
  )
  await theCall(story, world, toClerk, claims)
  return { toConcierge, toClerk }
}

async function theCall(
  story: Story,
  world: World,
  toClerk: Handed['toClerk'],
  claims: AccessTokenClaims,
): Promise<void> {
  const { paint } = story
  const refund = (amount: number) =>
    served(world, world.clerk, toClerk, {
      method: 'POST',
      path: `/orders/1042/refunds?amount=${amount}`,
      scope: 'refunds:create',
    })

  story.heading('The clerk calls, the shop makes up its own mind')
  await story.step(
    'clerk refunds 20',
    () => refund(20),
    () => ['200', ...verdictLines(story, world)],
  )
  await story.step(
    `clerk refunds 1, ${moreCalls} times`,
    async () => {
      const each: number[] = []
      for (let call = 0; call < moreCalls; call++) {
        await refund(1)
        each.push(world.shop.seen().ms)
      }
      return each.sort((a, b) => a - b)
    },
    (each) => `200 each  ${paint.dim(`verified in ${duration(each[moreCalls / 2] ?? 0)} (median), no call home`)}`,
  )
  await story.step(
    'clerk refunds 45',
    () => refund(45),
    () => {
      const { verdict, ms } = world.shop.seen()
      const hops = verdict.ok ? (verdict.chain?.hops ?? []) : []
      return [
        `200  ${paint.dim(`above ${provenFrom} the shop checks every signature of the chain itself: ${duration(ms)}`)}`,
        ...hops.map(({ statement, hash }, place) => {
          const told = claims.delegation_chain?.[place]?.hash === hash ? '= hash in token' : ''
          return `${paint.green('✓')} ${called(world, statement.iss)} signed: ${called(world, statement.delegate)} may ${statement.scope}  ${paint.dim(`${statement.jti.slice(0, 12)}… ${told}`)}`
        }),
      ]
    },
  )
}

function verdictLines({ paint }: Story, world: World): string[] {
  const { verdict, ms } = world.shop.seen()
  if (!verdict.ok) return []
  const people = [verdict.principal, ...[...verdict.actors].reverse()].map((id) => called(world, id))
  return [
    `${paint.dim('verdict    ')}${paint.green('permitted')}, found out in ${duration(ms)}, asking nobody`,
    `${paint.dim('agent      ')}${printable(verdict.agent)}`,
    `${paint.dim('principal  ')}${printable(verdict.principal)} ${paint.dim(`(${people[0]})`)}`,
    `${paint.dim('chain      ')}${people.join(' → ')}`,
  ]
}

function lifetime(token: AccessToken): string {
  return `${Math.round((token.expiresAtMs - Date.now()) / 1000)} s`
}

/** What the token says, after its signature was checked with the issuer's published keys. */
async function claimsOf({ api, shop }: World, token: AccessToken): Promise<AccessTokenClaims> {
  const { claims } = await verifyAccessToken(token.value, {
    keys: await keysOf(api.issuer),
    issuers: (issuer) => issuer === api.issuer,
    audience: shop.audience,
    now: Math.floor(Date.now() / 1000),
  })
  return claims
}
