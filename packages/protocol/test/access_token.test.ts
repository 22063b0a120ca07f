import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AccessTokenClaims,
  type AccessTokenExpectations,
  actorsOf,
  signAccessToken,
  verifyAccessToken,
} from '../src/access_token.ts'
import { hashText } from '../src/digest.ts'
import { newId } from '../src/identifiers.ts'
import type { JsonObject } from '../src/json.ts'
import { signJws } from '../src/jws.ts'
import { generateSigningKey, importPublicKey, type PublicKey } from '../src/keys.ts'
import { forge, part } from './forge.ts'
import { outcome } from './outcome.ts'

const key = await generateSigningKey('ES256')
const publicKey = await importPublicKey(key.publicJwk)
const otherOrganization = await generateSigningKey('ES256', { kid: key.kid })

const now = 1_790_000_000
const issuer = 'https://id.example/o/acme'
const audience = 'https://api.example/v1'
const bot = 'spiffe://acme.id.example/agent/bot'
const helper = 'spiffe://acme.id.example/agent/helper'
const org = newId('org')
const agent = newId('agt')

const own: AccessTokenClaims = {
  iss: issuer,
  aud: audience,
  sub: bot,
  client_id: bot,
  jti: newId('tok'),
  iat: now,
  exp: now + 300,
  scope: 'repo:read pr:write:draft',
  org,
  agent,
  lineage: [
    [org, 0],
    [agent, 3],
  ],
}

const onBehalf: AccessTokenClaims = {
  ...own,
  sub: 'psn_ada',
  cnf: { jkt: key.kid },
  act: { sub: bot, instance: `${bot}/ins_1`, act: { sub: helper } },
  delegation_chain: [
    { delegator: 'psn_ada', delegate: helper, exp: now + 900, evidence: 'signed', hash: await hashText('1') },
    { delegator: helper, delegate: bot, exp: now + 900, evidence: 'attested', hash: await hashText('2') },
  ],
  authorization_details: [{ type: 'agent_delegation', constraints: [{ key: 'amount', max: 100 }] }],
  task: 'T-1',
  sid: 's-1',
  instance: `${bot}/ins_1`,
  max_depth: 2,
}

const keys = new Map<string, PublicKey>([[`${issuer} ${key.kid}`, publicKey]])
const expected: AccessTokenExpectations = {
  keys: (iss, kid) => keys.get(`${iss} ${kid}`),
  issuers: (iss) => iss === issuer,
  audience,
  now: now + 10,
}
const header = { typ: 'at+jwt', alg: 'ES256', kid: key.kid }

const verify = (token: string, more: Partial<AccessTokenExpectations> = {}) =>
  outcome(() => verifyAccessToken(token, { ...expected, ...more }))
/** Signed by the authority itself, so that only the claims can be at fault. */
const withClaims = (change: object, from: object = own) =>
  signJws(key, { typ: 'at+jwt' }, { ...from, ...change } as JsonObject)

describe('a good token', () => {
  test.each([
    ['for itself', own],
    ['on behalf of a person', onBehalf],
  ])('%s is accepted with exactly its claims', async (_, claims) => {
    const verified = await verifyAccessToken(await signAccessToken(key, claims), expected)
    expect(JSON.parse(JSON.stringify(verified.claims))).toEqual(claims)
    expect(verified.kid).toBe(key.kid)
  })

  test('names its actors, newest first', () => {
    expect(actorsOf(onBehalf)).toEqual([bot, helper])
    expect(actorsOf(own)).toEqual([])
  })

  test('is not signed when no verifier would take it', async () => {
    expect(await outcome(() => signAccessToken(key, { ...own, client_id: helper }))).toBe('internal_error')
    expect(await outcome(() => signAccessToken(key, { ...own, lineage: [] }))).toBe('internal_error')
  })

  test('may be for any of several audiences, when the verifier says which', async () => {
    const token = await withClaims({})
    expect(await verify(token, { audience: (aud) => aud === audience })).toBe('accepted')
    expect(await verify(token, { audience: () => false })).toBe('audience_mismatch')
  })
})

describe('the key', () => {
  // A08, Storm-0558
  test('is looked up by issuer and key id: a key of another organization with the same id does not verify', async () => {
    const lookup = (iss: string, kid: string | undefined) =>
      kid !== key.kid ? undefined : iss === issuer ? publicKey : importPublicKey(otherOrganization.publicJwk)
    const foreign = await signJws(otherOrganization, { typ: 'at+jwt' }, own as unknown as JsonObject)
    expect(await verify(foreign, { keys: lookup })).toBe('signature_invalid')
    const theirs = 'https://id.example/o/evil'
    const own_ = await signJws(key, { typ: 'at+jwt' }, { ...own, iss: theirs } as unknown as JsonObject)
    expect(await verify(own_, { keys: lookup, issuers: () => true })).toBe('signature_invalid')
  })

  test('must be known, and is asked for only once the issuer is trusted', async () => {
    let asked = 0
    const lookup = () => {
      asked++
      return undefined
    }
    expect(await verify(await withClaims({}), { keys: lookup })).toBe('key_unknown')
    expect(await verify(await withClaims({}), { keys: lookup, issuers: () => false })).toBe('issuer_untrusted')
    expect(asked).toBe(1)
    const nameless = await forge(key, { typ: 'at+jwt', alg: 'ES256' }, own)
    expect(await verify(nameless, { keys: () => publicKey })).toBe('key_unknown')
  })

  // A01, A02, A05
  test('decides the algorithm; nothing in the header does', async () => {
    for (const alg of ['none', 'HS256', 'RS256', 'EdDSA', 'es256', 'ES256 ']) {
      expect(await verify(await forge(key, { ...header, alg }, own))).toBe('algorithm_not_allowed')
    }
    const thief = await generateSigningKey('ES256')
    expect(await verify(await forge(thief, { ...header, jwk: thief.publicJwk }, own))).toBe('claims_invalid')
    expect(await verify(await forge(thief, header, own))).toBe('signature_invalid')
    for (const extra of [{ jku: 'http://127.0.0.1/' }, { x5c: ['AA'] }, { cty: 'JWT' }]) {
      expect(await verify(await forge(key, { ...header, ...extra }, own))).toBe('claims_invalid')
    }
  })
})

describe('the form', () => {
  test.each([
    'Bearer',
    '',
    '{}',
    'a.b.c',
    `${part({ alg: 'ES256' })}.${part({})}`,
    `${part(header)}.${part('{"aud":"a","aud":"b"}')}.AA`,
    `${part(header)}.${part('{"exp":1e400}')}.AA`,
    `${part(header)}.${part('{"exp":9007199254740993}')}.AA`,
    `${part(header)}.${part(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`)}.AA`,
    'A'.repeat(20_000),
  ])('that cannot be read is token_malformed (%#)', async (token) => {
    expect(await verify(token)).toBe('token_malformed')
  })

  test('crit is refused under its own name', async () => {
    expect(await verify(await forge(key, { ...header, crit: ['exp'] }, own))).toBe('critical_unsupported')
  })

  test.each([
    'JWT',
    'AT+JWT',
    'at+jwt ',
    'dpop+jwt',
    'delegation+jwt',
    'client-authentication+jwt',
    'revocations+jwt',
    'id+jwt',
    '',
    undefined,
  ])('typ %j is not an access token', async (typ) => {
    expect(await verify(await forge(key, { ...header, typ }, own))).toBe('type_mismatch')
  })

  test('typ may be spelled as a whole media type', async () => {
    expect(await verify(await forge(key, { ...header, typ: 'application/at+jwt' }, own))).toBe('accepted')
  })
})

// A25
test.each(['/', '?', 'x', '.'])('an issuer that only begins like a trusted one is not trusted: +%j', async (suffix) => {
  expect(await verify(await withClaims({ iss: issuer + suffix }))).toBe('issuer_untrusted')
})

test.each([
  'https://ID.example/o/acme',
  'https://id.example:443/o/acme',
  'https://id.example/o/Acme',
  'https://id.example/o/other',
  'https://ıd.example/o/acme',
  'http://id.example/o/acme',
  [issuer],
  null,
  7,
])('the issuer is compared byte for byte: %j', async (iss) => {
  expect(await verify(await withClaims({ iss }))).toBe('issuer_untrusted')
})

// A24
test.each([
  'https://api.example/v1/',
  'https://api.example/v',
  'https://api.example/v1.evil.example',
  'https://API.example/v1',
  'https://api.example:443/v1',
  'http://api.example/v1',
  ' https://api.example/v1',
])('the audience is compared byte for byte: %j', async (aud) => {
  expect(await verify(await withClaims({ aud }))).toBe('audience_mismatch')
})

test.each([[[]], [[audience]], [[audience, 'https://other.example']], [null], [''], [7], [{}], [undefined]])(
  'the audience is one string: %j',
  async (aud) => {
    const { aud: _, ...rest } = own
    expect(await verify(await withClaims(aud === undefined ? {} : { aud }, rest))).toBe('claims_invalid')
  },
)

test('an empty expected audience is a mistake of the verifier, never a match', async () => {
  expect(await verify(await withClaims({ aud: '' }), { audience: '' })).toBe('config_invalid')
})

describe('times', () => {
  // A22: as text, because some of these no serializer would write.
  test.each(['"1790000300"', 'null', '-1', '1.5', '1790000300.5', '[1790000300]', '{}', 'true', '""'])(
    'exp and iat are whole numbers of seconds: %s',
    async (value) => {
      for (const name of ['exp', 'iat']) {
        const text = JSON.stringify({ ...own, [name]: 'X' }).replace('"X"', value)
        expect(await verify(await forge(key, header, text))).toBe('claims_invalid')
      }
    },
  )

  test.each(['1e400', 'NaN', '9007199254740992', 'Infinity', '-1e999'])('and finite and exact: %s', async (value) => {
    const text = JSON.stringify({ ...own, exp: 'X' }).replace('"X"', value)
    expect(await verify(await forge(key, header, text))).toBe('token_malformed')
  })

  test.each(Object.keys(own))('%s is required', async (name) => {
    const left = Object.fromEntries(Object.entries(own).filter(([each]) => each !== name))
    const code = name === 'iss' ? 'issuer_untrusted' : 'claims_invalid'
    expect(await verify(await withClaims({}, left))).toBe(code)
  })

  test('are honoured to the second, with the tolerance and no more', async () => {
    const token = await withClaims({})
    const at = (time: number, toleranceSeconds?: number) =>
      verify(token, { now: time, ...(toleranceSeconds !== undefined && { toleranceSeconds }) })
    expect(await at(now - 5)).toBe('accepted')
    expect(await at(now - 6)).toBe('token_not_yet_valid')
    expect(await at(now + 304)).toBe('accepted')
    expect(await at(now + 305)).toBe('token_expired')
    expect(await at(now + 299, 0)).toBe('accepted')
    expect(await at(now + 300, 0)).toBe('token_expired')
    expect(await at(now - 1, 0)).toBe('token_not_yet_valid')
  })

  test('a lifetime that is never issued is not believed', async () => {
    expect(await verify(await withClaims({ exp: now + 900 }))).toBe('accepted')
    expect(await verify(await withClaims({ exp: now + 901 }))).toBe('claims_invalid')
    expect(await verify(await withClaims({ exp: now + 86_400 * 3650 }))).toBe('claims_invalid')
    expect(await verify(await withClaims({ exp: now }))).toBe('claims_invalid')
    expect(await verify(await withClaims({ iat: now + 400 }))).toBe('claims_invalid')
    expect(await verify(await withClaims({ exp: now + 400 }), { maxLifetime: 300 })).toBe('claims_invalid')
  })

  test('whatever the times, what is accepted has been issued and has not expired', async () => {
    const time = fc.integer({ min: now - 2000, max: now + 2000 })
    await fc.assert(
      fc.asyncProperty(time, time, time, fc.nat(30), async (iat, exp, at, toleranceSeconds) => {
        const result = await verify(await withClaims({ iat, exp }), { now: at, toleranceSeconds })
        const good = iat < exp && exp - iat <= 900 && iat <= at + toleranceSeconds && at < exp + toleranceSeconds
        expect(result === 'accepted').toBe(good)
      }),
    )
  })
})

describe('claims', () => {
  test.each(['nbf', 'azp', 'roles', 'admin', '__proto__', 'constructor', 'may_act', 'Scope'])(
    '%s is not one of them',
    async (name) => {
      const text = `${JSON.stringify(own).slice(0, -1)},${JSON.stringify(name)}:1}`
      expect(await verify(await forge(key, header, text))).toBe('claims_invalid')
    },
  )

  // A38
  test.each([
    {},
    null,
    [],
    'x',
    { jkt: '' },
    { jkt: 7 },
    { jkt: `${key.kid}=` },
    { 'x5t#S256': key.kid },
    { jwk: key.publicJwk },
    { jkt: key.kid, 'x5t#S256': key.kid },
    { JKT: key.kid },
  ])('a binding of another kind is not the same as none: %j', async (cnf) => {
    expect(await verify(await withClaims({ cnf }))).toBe('binding_unknown')
  })

  test.each([
    ['an empty scope', { scope: '' }],
    ['a scope twice', { scope: 'a a' }],
    ['two spaces', { scope: 'a  b' }],
    ['a quote in a scope', { scope: 'a"b' }],
    ['a scope list', { scope: ['a'] }],
    ['another kind of id', { jti: newId('dlg') }],
    ['a short id', { org: 'org_x' }],
    ['an agent that is not an id', { agent: bot }],
    ['an empty lineage', { lineage: [] }],
    ['a lineage without its organization', { lineage: [[agent, 0]] }],
    ['a lineage without its agent', { lineage: [[org, 0]] }],
    ['a lineage of strings', { lineage: [org, agent] }],
    [
      'an epoch that is text',
      {
        lineage: [
          [org, '0'],
          [agent, 0],
        ],
      },
    ],
    [
      'a negative epoch',
      {
        lineage: [
          [org, -1],
          [agent, 0],
        ],
      },
    ],
    [
      'a fractional epoch',
      {
        lineage: [
          [org, 0.5],
          [agent, 0],
        ],
      },
    ],
    [
      'a lineage entry of three',
      {
        lineage: [
          [org, 0, 1],
          [agent, 0],
        ],
      },
    ],
    ['a lineage that is an object', { lineage: { [org]: 0 } }],
    ['a lineage without end', { lineage: Array.from({ length: 257 }, () => [org, 0]) }],
    ['a client that is neither subject nor actor', { client_id: helper }],
    ['another subject without an actor', { sub: 'psn_ada' }],
    ['a chain without an actor', { delegation_chain: onBehalf.delegation_chain }],
    ['a task with a space', { task: 'T 1' }],
    ['a depth below zero', { max_depth: -1 }],
    ['a null task', { task: null }],
  ])('%s is refused', async (_, change) => {
    expect(await verify(await withClaims(change))).toBe('claims_invalid')
  })

  const nested = (depth: number): object => (depth === 0 ? { sub: helper } : { sub: helper, act: nested(depth - 1) })
  test.each([
    ['an actor who is not the client', { act: { sub: helper } }],
    ['an actor without a name', { act: { instance: bot } }],
    ['an actor with more to it', { act: { sub: bot, iss: issuer } }],
    ['a list of actors', { act: [{ sub: bot }] }],
    ['no actor', { act: null }],
    ['an actor before who is no actor', { act: { sub: bot, act: 'x' } }],
    ['nine actors', { act: { sub: bot, act: nested(7) } }],
    ['an empty chain', { delegation_chain: [] }],
    ['a hop with more to it', { delegation_chain: [{ ...onBehalf.delegation_chain?.[0], x: 1 }] }],
    ['a hop with less to it', { delegation_chain: [{ delegator: 'psn_ada' }] }],
    [
      'a hop resting on nothing known',
      { delegation_chain: [{ ...onBehalf.delegation_chain?.[0], evidence: 'hearsay' }] },
    ],
    ['a hash that is none', { delegation_chain: [{ ...onBehalf.delegation_chain?.[0], hash: 'x' }] }],
    ['details of another type', { authorization_details: [{ type: 'payment', constraints: [] }] }],
    [
      'two details',
      { authorization_details: [onBehalf.authorization_details?.[0], onBehalf.authorization_details?.[0]] },
    ],
    [
      'details with more to them',
      { authorization_details: [{ type: 'agent_delegation', constraints: [], actions: [] }] },
    ],
    ['constraints that are none', { authorization_details: [{ type: 'agent_delegation', constraints: [{}] }] }],
    ['no constraints', { authorization_details: [{ type: 'agent_delegation' }] }],
  ])('%s is refused', async (_, change) => {
    expect(await verify(await withClaims({}, onBehalf))).toBe('accepted')
    expect(await verify(await withClaims(change, onBehalf))).toBe('claims_invalid')
  })

  test('eight actors are not too many', async () => {
    expect(await verify(await withClaims({ act: { sub: bot, act: nested(6) } }, onBehalf))).toBe('accepted')
  })

  test('one claim replaced by anything else never makes another error than a refusal', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(onBehalf)),
        fc.jsonValue({ maxDepth: 2 }),
        async (name, value) => {
          await outcome(async () =>
            verifyAccessToken(await forge(key, header, JSON.stringify({ ...onBehalf, [name]: value })), expected),
          )
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('a refusal repeats nothing of the token', async () => {
  expect.hasAssertions()
  for (const change of [
    { aud: 'https://secret.example' },
    { scope: 'secret secret' },
    { task: 'secret !' },
    { secret: 1 },
    { cnf: { secret: 1 } },
  ]) {
    try {
      await verifyAccessToken(await withClaims(change), expected)
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('secret')
    }
  }
})
