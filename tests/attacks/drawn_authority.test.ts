// What a token, or a delegation, draws on: it never has more than any of it, never outlives any of it, and ends with all of it.

import { coversAll, parseScope, readStatement, signStatement } from '@credence/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Agent, claimsIn } from '../cast.ts'
import {
  acme,
  cast,
  chainOf,
  code,
  docs,
  end,
  from,
  fromAda,
  granted,
  handOn,
  limited,
  mail,
  newAgent,
  onBehalf,
  operator,
  start,
  stop,
} from './drawing.ts'

beforeAll(start)
afterAll(stop)

describe('no scope outside anything it is drawn from', () => {
  test('a credential for one scope obtains no other, not even for its resource to go on with', async () => {
    const whole = await newAgent()
    const narrow = await limited(whole, ['docs:read'])
    const chain = await fromAda(whole, { scope: 'docs:* mail:send', onward: [mail], max_depth: 2 })
    expect((await cast.exchange(whole, chain, docs)).body.scope).toBe('docs:read docs:write mail:send')
    expect((await cast.exchange(narrow, chain, docs)).body.scope).toBe('docs:read')
    const asked = await cast.exchange(narrow, chain, docs, { scope: 'mail:send' })
    expect(asked.body.error).toBe('invalid_scope')
  })

  type Side = { credential?: string[] | undefined; capabilities: string[]; wish: string[] | undefined }
  // Much is granted, so that much can go wrong.
  const all = ['docs:read', 'docs:write', 'docs:*', 'mail:send', 'mail:read', 'mail:*']
  const scopes: fc.Arbitrary<string[]> = fc.oneof(
    fc.subarray(all, { minLength: 3 }),
    fc.constant<string[]>(['docs:*', 'mail:*']),
  )
  const words = ['docs:read', 'docs:write', 'mail:send', 'mail:read']
  const wish = fc.option(fc.subarray(words, { minLength: 1 }), { nil: undefined, freq: 2 })
  const credential = fc.option(scopes, { nil: undefined, freq: 2 })
  const side: fc.Arbitrary<Side> = fc.record({ credential, capabilities: scopes, wish })
  const onward = fc.constantFrom(true, true, false)
  const world = fc.record({ statement: scopes, onward, caller: side, called: side })

  const armed = async (agent: Agent, { credential, capabilities }: Side) => {
    await acme.api('patch', `/v1/agents/${agent.id}`, { capabilities })
    return credential ? limited(agent, credential) : agent
  }
  const wished = ({ wish }: Side) => (wish ? { scope: wish.join(' ') } : {})

  test('whatever the credentials, capabilities, statement and wishes', { timeout: 120_000 }, async () => {
    const caller = await newAgent()
    const seen = { calls: 0, onward: 0, behalf: 0 }
    await fc.assert(
      fc.asyncProperty(world, async ({ statement, onward, ...sides }) => {
        const within = (scope: string[], { credential = scope, capabilities }: Side) => {
          for (const bound of [credential, capabilities, statement]) expect(coversAll(bound, scope)).toBe(true)
        }
        const given = { scope: statement.join(' '), max_depth: 2, ...(onward && { onward: [mail] }) }
        const chain = await fromAda(caller, given)
        const first = await cast.exchange(await armed(caller, sides.caller), chain, docs, wished(sides.caller))
        if (first.status !== 200) return
        seen.calls++
        const carried = parseScope(first.body.scope)
        within(carried, sides.caller)
        const beyond = carried.filter((scope) => scope.startsWith('mail:'))
        if (beyond.length > 0) seen.onward++
        expect(onward || beyond.length === 0).toBe(true)
        const called = await armed(operator, sides.called)
        const second = await onBehalf(first.body.access_token, wished(sides.called), called)
        if (second.status !== 200) return
        seen.behalf++
        const further = parseScope(second.body.scope)
        within(further, sides.called)
        within(further, sides.caller)
        expect(coversAll(carried, further)).toBe(true)
      }),
      { numRuns: process.env.CREDENCE_LONG ? 1_000 : 60 },
    )
    await acme.api('patch', `/v1/agents/${operator.id}`, { capabilities: ['docs:*', 'mail:*'] })
    expect(Math.min(seen.calls, seen.onward, seen.behalf)).toBeGreaterThan(2)
  })
})

describe('an on-behalf-of hop rests on all that the call rested on', () => {
  const called = async () => {
    const whole = await newAgent()
    const copy = await cast.instanceOf(whole)
    const chain = await fromAda(whole, { scope: 'docs:read mail:send', onward: [mail], max_depth: 3 })
    const subject = await granted(
      cast.exchange(copy, chain, docs, { task: `task-${crypto.randomUUID()}`, session: 'session-1' }),
    )
    const behalf = await granted(onBehalf(subject))
    const writer = await newAgent()
    const behind = await chainOf(behalf)
    return {
      copy,
      subject,
      behalf,
      writer,
      chain: behind,
      handed: await handOn(behind, operator, writer, { max_depth: 0 }),
    }
  }

  test.each<[string, (world: Awaited<ReturnType<typeof called>>) => string]>([
    ['the instance that called', ({ copy }) => copy.instance?.id ?? ''],
    ['the credential that called', ({ copy }) => copy.credential],
    ['the token it called with', ({ subject }) => claimsIn(subject).jti],
    ['the agent that called', ({ copy }) => copy.id],
    ['the task it called for', ({ subject }) => `task:${claimsIn(subject).task}`],
  ])('and ends with %s, however it is used and whoever it was handed to', async (_what, idOf) => {
    const world = await called()
    const { chain, handed, writer } = world
    expect(code(await cast.exchange(operator, chain, mail))).toBe('granted')
    const last = await granted(cast.exchange(writer, handed, mail))
    const before = claimsIn(last).lineage.map(([id]: [string]) => id)
    expect(before).toContain(idOf(world))
    await end(idOf(world))
    expect(code(await cast.exchange(operator, chain, mail))).toBe('revoked')
    expect(code(await cast.exchange(writer, handed, mail))).toBe('revoked')
  })

  test('keeps the session, and ends with the token it rests on', async () => {
    const { subject, behalf, chain, handed, writer } = await called()
    const { exp, sid } = claimsIn(subject)
    expect(sid).toBe('session-1')
    for (const token of [
      behalf,
      await granted(cast.exchange(operator, chain, mail)),
      await granted(cast.exchange(writer, handed, mail)),
    ]) {
      expect(claimsIn(token).sid).toBe(sid)
      expect(claimsIn(token).exp).toBeLessThanOrEqual(exp)
    }
    expect(code(await cast.exchange(operator, chain, mail, { session: 'session-2' }))).toBe('task_mismatch')
    const other = await handOn(chain, operator, writer, { max_depth: 0, sid: 'session-2' })
    expect(code(await cast.exchange(writer, other, mail))).toBe('not_narrower')
  })
})

describe('nobody takes another’s place', () => {
  test('a statement that claims the jti of one above it, or of one not shown yet, harms nobody', async () => {
    const [upper, lower] = [await newAgent(), await newAgent()]
    const [shown, unseen] = [await fromAda(upper, { max_depth: 1 }), await fromAda(upper, { max_depth: 1 })]
    expect(code(await cast.exchange(lower, await handOn(shown, upper, lower), docs))).toBe('granted')
    for (const chain of [shown, unseen]) {
      const { id, statement } = await readStatement(chain[0] as string)
      const [own = ''] = await from(lower, lower)
      const squatting = await signStatement(lower.key, { ...(await readStatement(own)).statement, jti: statement.jti })
      expect(code(await cast.exchange(lower, [squatting], docs))).toBe('granted')
      expect((await readStatement(squatting)).id).not.toBe(id)
      await end((await readStatement(squatting)).id)
      expect(code(await cast.exchange(upper, chain, docs))).toBe('granted')
    }
    // What it is revoked by is what whoever holds it can work out.
    await end((await readStatement(unseen[0] as string)).id)
    expect(code(await cast.exchange(upper, unseen, docs))).toBe('revoked')
  })

  test('a jti names nothing: it cannot be revoked by mistake', async () => {
    const { jti } = (await readStatement((await fromAda(await newAgent()))[0] as string)).statement
    expect((await acme.api('post', '/v1/revocations', { id: jti, cause: 'stolen' })).status).toBe(404)
  })
})
