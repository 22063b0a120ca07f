// A68 and A69 of the attack list: a child is never wider or longer than its parent.

import { newStatement, readStatement, signStatement } from '@credence/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsIn, seconds } from '../cast.ts'
import { acme, ada, agentAt, api, cast, code, files, fromAda, handOn, start, stop, type Words } from './handing_on.ts'

beforeAll(start)
afterAll(stop)

describe('A68, A69: a child is never wider or longer', () => {
  test.each([
    ['scope', { scope: 'a:* b:read' }],
    ['audience', { aud: [api, files] }],
    ['onward', { onward: [files] }],
    ['depth', { max_depth: 7 }],
  ])('wider in %s is refused', async (_name, more) => {
    const chain = await handOn(await fromAda(), 0, 1, more)
    expect(code(await cast.exchange(agentAt(1), chain, api))).toEqual([400, 'invalid_request', 'not_narrower'])
  })

  test('longer is refused', async () => {
    const longer = await handOn(await fromAda({ expiresIn: 600 }), 0, 1, { exp: seconds() + 700 })
    expect((await cast.exchange(agentAt(1), longer, api)).body.error_code).toBe('expired')
  })

  type Constraints = NonNullable<Words['constraints']>
  const order = ['low', 'middle', 'high']
  /** A bound, as narrow a one as will do below it, and what is looser, or not comparable. */
  const bounds: Array<[above: Constraints[number], below: Constraints[number], ...looser: Constraints[number][]]> = [
    [
      { key: 'a', max: 10 },
      { key: 'a', max: 9 },
      { key: 'a', max: 11 },
      { key: 'a', min: 0 },
      { key: 'b', max: 1 },
    ],
    [
      { key: 'a', min: 10 },
      { key: 'a', min: 11 },
      { key: 'a', min: 9 },
      { key: 'a', max: 10 },
    ],
    [
      { key: 'a', one_of: ['x', 1] },
      { key: 'a', one_of: ['x'] },
      { key: 'a', one_of: ['x', '1'] },
      { key: 'a', one_of: ['x', 1, null] },
    ],
    [
      { key: 'a', not_one_of: ['x'] },
      { key: 'a', not_one_of: ['x', 'y'] },
      { key: 'a', not_one_of: ['y'] },
      { key: 'a', one_of: ['y'] },
    ],
    [
      { key: 'a', prefix: '/pay' },
      { key: 'a', prefix: '/pay/' },
      { key: 'a', prefix: '/pa' },
      { key: 'a', prefix: '' },
      { key: 'a', prefix: '/Pay' },
    ],
    [
      { key: 'a', rank: 'middle', order },
      { key: 'a', rank: 'low', order },
      { key: 'a', rank: 'high', order },
      { key: 'a', rank: 'low', order: order.toReversed() },
    ],
    [
      { key: 'a', unheard_of: 1 },
      { key: 'a', unheard_of: 1 },
      { key: 'a', unheard_of: 0 },
      { key: 'a', max: 0 },
    ],
  ]

  test.each(bounds)(
    'a bound %j may be made tighter, and neither looser nor another',
    async (above, below, ...looser) => {
      const bounded = await fromAda({ constraints: [above] })
      const under = async (constraints: Constraints) =>
        cast.exchange(agentAt(1), await handOn(bounded, 0, 1, { constraints }), api)
      const tighter = await under([below])
      expect([tighter.status, claimsIn(tighter.body.access_token).authorization_details]).toEqual([
        200,
        [{ type: 'agent_delegation', constraints: [below] }],
      ])
      for (const constraints of [[], ...looser.map((one) => [one])]) {
        expect([constraints, (await under(constraints)).body.error_code]).toEqual([constraints, 'not_narrower'])
      }
      // More bounds are no less.
      expect((await under([below, { key: 'c', max: 1 }])).status).toBe(200)
    },
  )

  test('another task or session, and none, are refused', async () => {
    const chain = await fromAda({ task: 'one', sid: 'here' })
    const { hash, statement } = await readStatement(chain[0] as string)
    const under = async (more: Partial<Words>) => {
      const { aud, exp, scope, sub } = statement
      const words = { delegate: agentAt(1).clientId, aud, exp, scope, par_hash: hash, ...more }
      const { key, clientId } = agentAt(0)
      return cast.exchange(agentAt(1), await cast.delegate({ iss: clientId, sub, key }, words, chain), api)
    }
    const both = { task: 'one', sid: 'here' }
    expect((await under(both)).status).toBe(200)
    for (const more of [{}, { task: 'one' }, { sid: 'here' }, { ...both, task: 'ONE' }, { ...both, sid: 'there' }]) {
      expect([more, (await under(more)).body.error_code]).toEqual([more, 'not_narrower'])
    }
  })

  test('an unknown scope, and one in another case, are refused', async () => {
    const chain = await fromAda()
    for (const scope of ['a:Read', 'A:READ', 'b:read', 'a:read  a:write', 'a:\u0440ead']) {
      expect((await cast.exchange(agentAt(0), chain, api, { scope })).body.error).toBe('invalid_scope')
    }
    // A wildcard is more than the two scopes the resource has.
    expect((await cast.exchange(agentAt(0), chain, api, { scope: 'a:*' })).body.error).toBe('invalid_scope')
  })

  test('whatever the hand-overs, the token is within every hop, and ends no later than any', async () => {
    const step = fc.record({
      scopes: fc.subarray(['a:read', 'a:write'], { minLength: 1 }),
      seconds: fc.integer({ min: 60, max: 900 }),
    })
    const hops = fc.array(step, { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(hops, async (wanted) => {
        let chain = await fromAda({ scope: 'a:read a:write', expiresIn: 900 })
        for (const [place, { scopes, seconds: lifetime }] of wanted.entries()) {
          const above = (await readStatement(chain.at(-1) as string)).statement
          // What an honest agent writes: as much as it wants, never more than it has.
          const scope =
            above.scope
              .split(' ')
              .filter((one) => scopes.includes(one))
              .join(' ') || above.scope
          const exp = Math.min(above.exp, seconds() + lifetime)
          chain = await handOn(chain, place, place + 1, { scope, exp })
        }
        const { body } = await cast.exchange(agentAt(wanted.length), chain, api)
        const claims = claimsIn(body.access_token)
        const ids = claims.lineage.map(([id]: [string]) => id)
        for (const compact of chain) {
          const { id, statement } = await readStatement(compact)
          expect(statement.scope.split(' ')).toEqual(expect.arrayContaining(claims.scope.split(' ')))
          expect(claims.exp).toBeLessThanOrEqual(statement.exp)
          expect(ids).toContain(id)
        }
        expect(claims.delegation_chain).toHaveLength(chain.length)
      }),
      { numRuns: process.env.CREDENCE_LONG ? 200 : 12 },
    )
  })

  test('cumulative constraints are refused until somebody keeps the totals', async () => {
    const statement = newStatement(
      { iss: ada.id, sub: ada.id, delegate: agentAt(0).clientId, authority: acme.issuer, aud: [api], scope: 'a:read' },
      seconds(),
    )
    const chain = [await signStatement(ada.key, { ...statement, constraints: [{ key: 'amount', max_subtree: 5 }] })]
    expect((await cast.exchange(agentAt(0), chain, api)).body.error_code).toBe('cumulative_unsupported')
  })
})
