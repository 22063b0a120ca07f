// The inputs that cost the authority most, of those it takes or refuses: as deep, as long and as many as they may be.

import { base64url, type Constraint, readStatement } from '@credence/protocol'
import type { Agent } from '../cast.ts'
import { audience, type Stage } from './stage.ts'

/** Sends one of them once; whatever the answer is, there is one. */
export type Input = { name: string; send(): Promise<number> }

/** Bytes of a body, and of all headers together, that are taken. */
const [bodyBytes, headerBytes] = [65_536, 32_768]

const nested = (count: number) => Array.from({ length: count }, (_, depth) => `repo${':a'.repeat(depth + 1)}:*`)
const many = (count: number, one: (index: number) => string) => Array.from({ length: count }, (_, index) => one(index))

export async function inputs(stage: Stage): Promise<Input[]> {
  const { issuer, administratorSecret } = stage.organization
  const raw = async (path: string, init: RequestInit) => {
    const answer = await fetch(`${issuer}${path}`, init)
    await answer.arrayBuffer()
    return answer.status
  }
  const json = (name: string, path: string, body: string): Input => {
    const headers = { authorization: `Bearer ${administratorSecret}`, 'content-type': 'application/json' }
    return { name, send: () => raw(path, { method: 'POST', headers, body: body.slice(0, bodyBytes) }) }
  }
  const form = (name: string, path: string, body: string): Input => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { name, send: () => raw(path, { method: 'POST', headers, body: body.slice(0, bodyBytes) }) }
  }
  const header = (name: string, headers: Record<string, string>): Input => ({
    name,
    send: () => raw('/v1/agents', { headers }),
  })
  const assertion = (header: string, payload: string) =>
    `client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${[header, payload, 'x'].map((part) => base64url.encode(Buffer.from(part))).join('.')}`
  const members = (count: number) => `{${many(count, (n) => `"m${n}":0`)}}`
  const long = headerBytes - 2_048

  return [
    json('arrays in arrays', '/v1/people', '['.repeat(bodyBytes)),
    json('objects in objects', '/v1/people', '{"a":'.repeat(bodyBytes / 5)),
    json('members that are not known', '/v1/people', members(6_500)),
    json('escapes', '/v1/people', `{"name":"${'\\ud83d\\ude00'.repeat(5_000)}"}`),
    json('a long number', '/v1/people', `{"name":${'1'.repeat(bodyBytes - 20)}}`),
    json('a long fraction', '/v1/people', `{"name":0.${'1'.repeat(bodyBytes - 20)}}`),
    json('capabilities that are none', '/v1/agents', `{"capabilities":[${many(30_000, () => '0')}]}`),
    json('scopes that are none', '/v1/agents', `{"capabilities":["${'a:'.repeat(32_000)}"]}`),
    json('permissions that are none', '/v1/people', `{"name":"x","permissions":[${many(20_000, () => '{}')}]}`),
    json('statements that are none', '/v1/delegations', `{"statements":[${many(16_000, () => '""')}]}`),
    json('a key of many members', '/v1/people/psn_AAAAAAAAAAAAAAAAAAAAAA/keys', `{"jwk":${members(6_500)}}`),
    json(
      'as many scopes as a person may have',
      '/v1/people',
      JSON.stringify({
        name: 'x',
        permissions: Array.from({ length: 15 }, () => ({ resource: audience, scope: nested(55).join(' ') })),
      }),
    ),
    form('parameters', '/token', many(20_000, () => 'a=1').join('&')),
    form('escaped parameters', '/token', many(60, (n) => `a${n}=${'%41'.repeat(300)}`).join('&')),
    form('dots', '/token', `client_assertion=${'.'.repeat(bodyBytes)}`),
    form('an assertion of arrays in arrays', '/token', assertion('['.repeat(10_000), '{}')),
    form('an assertion of many members', '/token', assertion('{"alg":"ES256"}', members(1_500))),
    form('tildes', '/token', `grant_type=urn&subject_token=${'~'.repeat(60_000)}`),
    header('a long secret', { authorization: `Bearer ${'a'.repeat(long)}!` }),
    header('a long token', { authorization: `DPoP ${'a'.repeat(long / 2)}=`, dpop: 'b'.repeat(long / 3) }),
    header('a long trace', { traceparent: `00-${'0'.repeat(long)}`, authorization: 'Bearer x' }),
    { name: 'a long path', send: () => raw(`/${'%2e%2e/'.repeat(2_000)}`, {}) },
    { name: 'a long query', send: () => raw(`/jwks?${'a=1&'.repeat(4_000)}`, {}) },
    ...(await chains(stage)),
    await nestedEverywhere(stage),
    {
      name: 'the whole log, and nothing in it',
      send: () =>
        raw('/v1/audit/records?after=-1&limit=500&task=none', {
          headers: { authorization: `Bearer ${administratorSecret}` },
        }),
    },
  ]
}

/** Whatever a token is narrowed by names as many scopes as it may, each of which covers all after it. */
async function nestedEverywhere({ cast }: Stage): Promise<Input> {
  const resource = 'https://nested.example/'
  const permissions = [{ resource, scope: nested(60).join(' ') }]
  const owner = await cast.person('Nested', permissions)
  const agent = await cast.agent('nested', owner, { capabilities: nested(64), permissions })
  await cast.resource(resource, nested(64))
  const chain = await cast.delegate(
    { iss: owner.id, key: owner.key },
    { delegate: agent.clientId, aud: [resource], scope: nested(64).join(' ') },
  )
  return { name: 'nested scopes everywhere', send: async () => (await cast.exchange(agent, chain, resource)).status }
}

/** As long a chain as there may be, with as much in each statement as the whole may have. */
async function chains(stage: Stage): Promise<Input[]> {
  const actors = [...stage.steady, ...stage.stoppable]
  const ceilings: Constraint[] = Array.from({ length: 64 }, (_, n) => ({ key: `k${n}`, max: 5 }))
  const set: Constraint[] = [{ key: 'k', one_of: many(500, (n) => `w${n}`) }]
  const made = [
    ['nested scopes', { scope: nested(64).join(' ') }],
    ['many constraints', { scope: 'repo:*', constraints: ceilings }],
    ['large constraints', { scope: 'repo:*', constraints: set }],
  ] as const
  const all: Input[] = []
  for (const [name, more] of made) {
    const chain = await longest(stage, actors, more)
    const last = actors[chain.length - 1] as Agent
    all.push({
      name: `${chain.length} hops of ${name}`,
      send: async () => (await stage.cast.exchange(last, chain, audience)).status,
    })
  }
  return all
}

async function longest(stage: Stage, actors: readonly Agent[], more: { scope: string; constraints?: Constraint[] }) {
  const { cast, person } = stage
  let chain: string[] = []
  for (const [place, delegate] of actors.entries()) {
    const above = actors[place - 1]
    const by = above ? { iss: above.clientId, sub: person.id, key: above.key } : { iss: person.id, key: person.key }
    const parent = chain.at(-1)
    const linked = parent === undefined ? {} : await after(parent)
    const words = { delegate: delegate.clientId, aud: [audience], max_depth: 7 - place, ...more, ...linked }
    chain = await cast.delegate(by, words, chain)
  }
  return chain
}

/** What ties a statement to the one above it. */
async function after(parent: string): Promise<{ par_hash: string; exp: number }> {
  const { hash, statement } = await readStatement(parent)
  return { par_hash: hash, exp: statement.exp }
}
