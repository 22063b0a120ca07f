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
  const claims = await story.step(
    'clerk gets a token for it',
    async () => {
      const token = await clerk.agent.token({ resource: shop.audience, scope: 'refunds:create', delegation: toClerk })
      return claimsOf(world, token)
    },
    ({ scope, iat, exp }) => ({
      says: `${scope}, ${exp - iat} s`,
      aside: 'both hand-overs checked, registered, recorded',
    }),
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
    () => ({ says: '200', below: verdictLines(story, world) }),
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
    (each) => ({
      says: '200 each',
      aside: `verified in ${duration(each[moreCalls / 2] ?? 0)} (median), no call home`,
    }),
  )
  await story.step(
    'clerk refunds 45',
    () => refund(45),
    () => {
      const { verdict, ms } = world.shop.seen()
      const hops = verdict.ok ? (verdict.chain?.hops ?? []) : []
      const hashes = claims.delegation_chain?.map(({ hash }) => hash)
      return {
        says: '200',
        aside: `above ${provenFrom} the shop proves the chain itself: ${duration(ms)}`,
        below: [
          ...hops.map(({ statement: { iss, delegate, scope } }) => {
            return `${paint.green('✓')} ${called(world, iss)} signed that ${called(world, delegate)} may ${printable(scope)}`
          }),
          ...(hops.length > 0 && hops.every(({ hash }, place) => hash === hashes?.[place])
            ? [`${paint.green('✓')} these are the statements whose hashes the token carries`]
            : []),
        ],
      }
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
