// A69, A71, A74 and A76 of the attack list: authority that walks, handed on, exchanged, taken over and gone on with, in any order. Nothing it comes to
// is wider, longer or anybody else's, nobody on the way is left out, and whatever ends on the way ends all that came of it, and nothing else.

import { coversAll, parseScope, readStatement } from '@credence/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import {
  type Agent,
  accessTokenType,
  type Cast,
  castOf,
  claimsIn,
  exchangeGrant,
  type Person,
  seconds,
} from '../cast.ts'

let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let ada: Person
let agents: Agent[]
let operators: Agent[]

const resources = ['https://r0.example/', 'https://r1.example/', 'https://r2.example/']

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  const permissions = resources.map((resource) => ({ resource, scope: 'a:*' }))
  ada = await cast.person('Ada', permissions)
  const named = (name: string) => cast.agent(name, ada, { capabilities: ['a:*'], permissions })
  agents = [await named('a0'), await named('a1'), await named('a2'), await named('a3')]
  operators = [await named('o0'), await named('o1'), await named('o2')]
  for (const [place, audience] of resources.entries()) {
    await cast.resource(audience, ['a:read', 'a:write'], { operator: operators[place]?.id, proof_mode: 'optional' })
  }
})
afterAll(() => authority.stop())

/**
 * What somebody holds: statements, and, when they have been exchanged, a token. Found by walking: all whose end must end the chain
 * (`rests`), and, of a token, what else must end it (`also`). A signed statement rests on no token, an attested one on the token that
 * was called with.
 */
type Held = { by: Agent; chain: string[]; rests: Set<string>; token?: string; also: Set<string> }

type Move = {
  kind: 'hand on' | 'exchange' | 'take over' | 'go on'
  from: number
  to: number
  narrow: boolean
  lives: number
}

const idsOf = (chain: string[]) => Promise.all(chain.map(async (one) => (await readStatement(one)).id))
const operatorOf = (token: string) => operators[resources.indexOf(claimsIn(token).aud)] as Agent

async function root(to: Agent): Promise<Held> {
  const words = {
    delegate: to.clientId,
    aud: resources.slice(0, 2),
    onward: resources.slice(1),
    scope: 'a:read a:write',
    max_depth: 6,
    expiresIn: 900,
  }
  const chain = await cast.delegate({ iss: ada.id, key: ada.key }, words)
  return { by: to, chain, rests: new Set(await idsOf(chain)), also: new Set() }
}

async function handOn(held: Held, to: Agent, { narrow, lives }: Move): Promise<Held | undefined> {
  const { hash, statement: above } = await readStatement(held.chain.at(-1) as string)
  if (above.max_depth === 0) return undefined
  const words = {
    delegate: to.clientId,
    aud: above.aud,
    ...(above.onward && { onward: above.onward }),
    scope: narrow ? (parseScope(above.scope)[0] as string) : above.scope,
    max_depth: above.max_depth - 1,
    exp: Math.min(above.exp, seconds() + lives),
    par_hash: hash,
  }
  const chain = await cast.delegate({ iss: held.by.clientId, sub: above.sub, key: held.by.key }, words, held.chain)
  expect((await acme.api('post', '/v1/delegations', { statements: chain })).status).toBe(201)
  return { by: to, chain, rests: new Set([...held.rests, ...(await idsOf(chain.slice(-1)))]), also: new Set() }
}

/** What came of an exchange, held against all that it was drawn from. */
async function drawn(
  answer: Answer,
  by: Agent,
  from: { tokens: string[]; chain: string[]; rests: Set<string>; also?: Set<string> },
): Promise<Held | undefined> {
  if (answer.status !== 200) return undefined
  const token: string = answer.body.access_token
  const claims = claimsIn(token)
  const hashes: string[] = claims.delegation_chain.map(({ hash }: { hash: string }) => hash)
  const chain: string[] = []
  for (const hash of hashes) chain.push((await acme.api('get', `/statements/${hash}`)).body)
  const statements = await Promise.all(chain.map(async (one) => (await readStatement(one)).statement))

  expect(chain.slice(0, from.chain.length)).toEqual(from.chain)
  expect(claims).toMatchObject({ sub: ada.id, client_id: by.clientId })
  for (const above of [...from.tokens.map(claimsIn), ...statements]) {
    expect(claims.exp).toBeLessThanOrEqual(above.exp)
  }
  for (const scope of [claimsIn(from.tokens[0] ?? token).scope, ...statements.map(({ scope }) => scope)]) {
    expect(coversAll(parseScope(scope), parseScope(claims.scope))).toBe(true)
  }
  // Nobody is left out: the actors are the delegates, newest first.
  const actors: string[] = []
  for (let actor = claims.act; actor; actor = actor.act) actors.push(actor.sub)
  expect(actors).toEqual(statements.map(({ delegate }) => delegate).reverse())
  const rests = new Set([...from.rests, ...(await idsOf(chain))])
  const also = from.also ?? new Set()
  expect(claims.lineage.map(([id]: [string]) => id)).toEqual(expect.arrayContaining([...rests, ...also]))
  return { by, chain, rests, token, also }
}

async function step(world: Held[], move: Move): Promise<Held | undefined> {
  const held = world[move.from % world.length] as Held
  const to = agents[move.to % agents.length] as Agent
  const { token, rests, also, chain } = held
  const jtiOf = (one: string): string => claimsIn(one).jti
  if (move.kind === 'hand on') return handOn(held, to, move)
  if (move.kind === 'exchange') {
    const { statement } = await readStatement(chain.at(-1) as string)
    const aud = statement.aud[move.to % statement.aud.length] as string
    return drawn(await cast.exchange(held.by, chain, aud), held.by, { tokens: [], chain, rests })
  }
  if (token === undefined) return undefined
  const subject = { grant_type: exchangeGrant, subject_token: token, subject_token_type: accessTokenType }
  if (move.kind === 'go on') {
    const [by, resource] = [operatorOf(token), resources[move.to % resources.length] as string]
    const called = new Set([...rests, ...also, jtiOf(token)])
    return drawn(await cast.ask(by, { ...subject, resource }), by, { tokens: [token], chain, rests: called })
  }
  const handed = await handOn(held, to, move)
  if (handed === undefined) return undefined
  const own = await cast.token(to, resources[0] as string)
  const asked = { ...subject, actor_token: own, actor_token_type: accessTokenType, resource: claimsIn(token).aud }
  return drawn(await cast.ask(to, asked), to, {
    tokens: [token, own],
    chain: handed.chain,
    rests: handed.rests,
    also: new Set([...rests, ...also, jtiOf(token), jtiOf(own)]),
  })
}

const moves = fc.array(
  fc.record<Move>({
    kind: fc.constantFrom('hand on', 'exchange', 'take over', 'go on'),
    from: fc.nat(),
    to: fc.nat(),
    narrow: fc.boolean(),
    lives: fc.integer({ min: 300, max: 900 }),
  }),
  { minLength: 6, maxLength: 12 },
)

/** One of each that works, so that each is seen whatever is drawn. */
const each: Move[] = [
  { kind: 'hand on', from: 0, to: 1, narrow: false, lives: 600 },
  { kind: 'exchange', from: 2, to: 0, narrow: false, lives: 600 },
  { kind: 'take over', from: 1, to: 2, narrow: true, lives: 600 },
  { kind: 'go on', from: 1, to: 1, narrow: false, lives: 600 },
]

test('wherever it walks', { timeout: 600_000 }, async () => {
  const seen: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(moves, fc.nat(), async (walk, ended) => {
      const start = await root(agents[0] as Agent)
      const first = await drawn(await cast.exchange(start.by, start.chain, resources[0] as string), start.by, {
        tokens: [],
        chain: start.chain,
        rests: start.rests,
      })
      const world = [start, first as Held]
      for (const move of walk) {
        const next = await step(world, move)
        if (next === undefined) continue
        world.push(next)
        seen[move.kind] = (seen[move.kind] ?? 0) + 1
      }
      const endings = ({ rests, also, token }: Held) => [
        ...rests,
        ...also,
        ...(token ? [claimsIn(token).jti as string] : []),
      ]
      const all = [...new Set(world.flatMap(endings))]
      const id = all[ended % all.length] as string
      expect((await acme.api('post', '/v1/revocations', { id, cause: 'test' })).status).toBe(200)
      for (const held of world) {
        if (held.token === undefined) continue
        const alive = !endings(held).includes(id)
        expect([id, await cast.introspect(operatorOf(held.token), held.token)]).toEqual([id, alive])
      }
    }),
    { numRuns: process.env.CREDENCE_LONG ? 250 : 7, endOnFailure: true, examples: [[each, 0]] },
  )
  for (const kind of ['hand on', 'exchange', 'take over', 'go on'])
    expect([kind, (seen[kind] ?? 0) > 0]).toEqual([kind, true])
})
