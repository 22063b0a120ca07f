import type { Permitted } from '@credence/sdk/verify'
import { Failure } from '../../failure.ts'
import { printable } from '../../output.ts'
import { provenFrom } from '../shop.ts'
import { duration, type Story } from '../story.ts'
import { called, type Handed, served, type World } from '../world.ts'

/** More calls, to see what verifying costs once everything is warm. */
const moreCalls = 100

/** The clerk calls, three ways; the shop says what it found out by itself. */
export async function calls(story: Story, world: World, { toClerk }: Handed): Promise<void> {
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
    async () => {
      await refund(45)
      return provenChain(world)
    },
    (hops) => ({
      says: '200',
      aside: `above ${provenFrom} the shop proves the chain itself: ${duration(world.shop.seen().ms)}`,
      below: [
        ...hops.map(({ from, to, scope }) => `${paint.green('✓')} ${from} signed that ${to} may ${printable(scope)}`),
        `${paint.green('✓')} these are the statements whose hashes the token carries`,
      ],
    }),
  )
}

function verdictLines({ paint }: Story, world: World): string[] {
  const verdict = permitted(world)
  const people = [verdict.principal, ...[...verdict.actors].reverse()].map((id) => called(world, id))
  return [
    `${paint.dim('verdict    ')}${paint.green('permitted')}, found out in ${duration(world.shop.seen().ms)}, asking nobody`,
    `${paint.dim('agent      ')}${printable(verdict.agent)}`,
    `${paint.dim('principal  ')}${printable(verdict.principal)} ${paint.dim(`(${people[0]})`)}`,
    `${paint.dim('chain      ')}${people.join(' → ')}`,
  ]
}

/** The hops whose signatures the shop has checked: as many as the token tells of, and the same. */
function provenChain(world: World): Array<{ from: string; to: string; scope: string }> {
  const { chain, token } = permitted(world)
  const told = token.delegation_chain ?? []
  const hops = chain?.hops ?? []
  if (hops.length === 0 || hops.length !== told.length || hops.some(({ hash }, place) => hash !== told[place]?.hash)) {
    throw new Failure('life_broken', 'The shop did not prove the chain that the token tells of.')
  }
  return hops.map(({ statement: { iss, delegate, scope } }) => {
    return { from: called(world, iss), to: called(world, delegate), scope }
  })
}

function permitted(world: World): Permitted {
  const { verdict } = world.shop.seen()
  return verdict.ok ? verdict : refusedAfterAll()
}

function refusedAfterAll(): never {
  throw new Failure('life_broken', 'The shop answered a call that it had refused.')
}
