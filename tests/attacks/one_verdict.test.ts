// A29, A74 and promise P7: whatever the authority's own key has signed, every door says the same of it, before and after something of it ends.

import { newId, signJws, thumbprint } from '@credence/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsIn, seconds } from '../cast.ts'
import { atOwnApi, atVerifier, type Outcome, outcomeOf } from './doors.ts'
import { acting, onBehalf, postAs, type Stage, setStage, tokensOf } from './stage.ts'

let stage: Stage
let base: Record<string, unknown>
let jkt: string
/** Ids that something may rest on, by what has become of them. */
let pool: Record<string, string>
/** The highest epoch at which anything was ever signed that rests on them: what has ended is stamped no more. */
const highest: Record<string, number> = {
  'never heard of': 0,
  'never ended': 0,
  'ended and back': 1,
  'ended twice and back': 2,
}

beforeAll(async () => {
  stage = await setStage()
  const { acme, ada, agent, cast } = stage
  base = claimsIn(await tokensOf(stage)['delegated, bearer']())
  jkt = await thumbprint(agent.key.publicJwk)
  const [back, gone, left] = [await cast.agent('back', ada), await cast.agent('gone', ada), await cast.person('Leo')]
  pool = {
    'never heard of': newId('dlg'),
    'never ended': ada.id,
    'ended and back': back.id,
    'ended twice and back': (await cast.agent('twice', ada)).id,
    'ended for now': left.id,
    'ended for good': gone.id,
    'a task that ended': `task:${crypto.randomUUID()}`,
    'a token that ended before anybody saw it': newId('tok'),
  }
  for (const name of ['ended and back', 'ended twice and back', 'ended twice and back']) {
    await end(pool[name] as string)
    expect((await acme.api('post', '/v1/revocations/restore', { id: pool[name] })).status).toBe(200)
  }
  for (const name of ['ended for now', 'a task that ended', 'a token that ended before anybody saw it'])
    await end(pool[name] as string)
  expect((await acme.api('post', `/v1/agents/${gone.id}/retire`)).status).toBe(200)
})
afterAll(() => stage.stop())

let head = 0
async function end(id: string): Promise<void> {
  const { status, body } = await stage.acme.api('post', '/v1/revocations', { id, cause: 'test' })
  expect(status).toBe(200)
  head = body.fact.seq
}

/** Until the verifier has heard of all that has ended. */
const heard = () =>
  expect.poll(() => stage.verifier.state().issuers[stage.acme.issuer]?.seq).toBeGreaterThanOrEqual(head)

type Verdict = 'alive' | 'revoked' | 'refused'

const verdictOf = ({ taken, code }: Outcome): Verdict => (taken ? 'alive' : code === 'revoked' ? 'revoked' : 'refused')

/** What each door says. Introspection says no more than whether it is alive; a silent revocation nothing at all. */
async function verdicts(claims: Record<string, unknown>): Promise<Record<string, Verdict>> {
  const { acme, operator, actor, cast, authorityKey } = stage
  const sign = (more: object) => signJws(authorityKey, { typ: 'at+jwt' }, { ...claims, ...more } as never)
  const token = await sign({})
  const own = await sign({ aud: `${acme.issuer}/v1`, cnf: { jkt }, scope: 'delegations:write' })
  const actors = await cast.token(actor, `${claims.aud}`)
  const [verifier, introspection, subject, taken, api] = await Promise.all([
    atVerifier(stage, { authorization: `Bearer ${token}` }),
    postAs(stage, operator, '/introspect', { token }),
    postAs(stage, operator, '/token', onBehalf(token)),
    postAs(stage, actor, '/token', acting(token, actors)),
    atOwnApi(stage, own),
  ])
  return {
    'a resource': verdictOf(verifier),
    'an exchange, on behalf': verdictOf(outcomeOf(subject)),
    'an exchange, by an actor': verdictOf(outcomeOf(taken)),
    'the authority’s own API': verdictOf(api),
    introspection:
      introspection.body.active === true ? 'alive' : verdictOf(verifier) === 'alive' ? 'refused' : verdictOf(verifier),
  }
}

const entry = fc.record({ of: fc.nat(), epoch: fc.nat({ max: 3 }) })
const variant = fc.record({
  rests: fc.array(entry, { maxLength: 3 }),
  // Clocks are the same here, and a second passes: nothing is generated at the very edge.
  lives: fc.constantFrom(-60, -30, 60, 300),
  age: fc.constantFrom(0, 30, 200, 400),
  task: fc.option(fc.constantFrom('a', 'b:c', ''), { nil: undefined }),
  instance: fc.boolean(),
})

type Drawn = typeof variant extends fc.Arbitrary<infer T> ? T : never

test('one verdict, whatever it rests on and however old it is', { timeout: 600_000 }, async () => {
  await heard()
  // One of each verdict, so that each is seen whatever is drawn.
  const plain: Drawn = { rests: [], lives: 300, age: 0, task: undefined, instance: false }
  const ended = { of: Object.keys(pool).indexOf('ended for good'), epoch: 0 }
  const each: Drawn[] = [plain, { ...plain, rests: [ended] }, { ...plain, lives: -60, age: 200 }]
  const seen = { alive: 0, revoked: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(variant, async ({ rests, lives, age, task, instance }) => {
      const now = seconds()
      const names = Object.keys(pool)
      const more = rests.map(({ of, epoch }) => {
        const name = names[of % names.length] as string
        return [pool[name], Math.min(epoch, highest[name] ?? 0)]
      })
      const claims = {
        ...base,
        jti: newId('tok'),
        iat: now - age,
        exp: now + lives,
        lineage: [...(base.lineage as []), ...more],
        ...(task !== undefined && { task }),
        ...(instance && { instance: `${base.client_id}/x` }),
      }
      const said = await verdicts(claims)
      const [first] = Object.values(said)
      expect(said).toEqual(Object.fromEntries(Object.keys(said).map((door) => [door, first])))
      seen[first as Verdict]++
      if (first !== 'alive') return
      // And again once it, or something that it rests on, has ended.
      await end(claims.jti)
      await heard()
      expect(new Set(Object.values(await verdicts(claims)))).toEqual(new Set(['revoked']))
    }),
    {
      numRuns: process.env.CREDENCE_LONG ? 300 : 24,
      endOnFailure: true,
      examples: each.map((one): [Drawn] => [one]),
    },
  )
  for (const [verdict, times] of Object.entries(seen)) expect([verdict, times > 0]).toEqual([verdict, true])
})
