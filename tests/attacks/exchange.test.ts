// A68 to A77 of the attack list: delegation and exchange.

import { newStatement, readStatement, signStatement } from '@credence/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import {
  type Agent,
  accessTokenType,
  type Cast,
  castOf,
  claimsIn,
  delegationType,
  exchangeGrant,
  type Person,
  seconds,
} from '../cast.ts'

const api = 'https://api.example/'
const files = 'https://files.example/'
let authority: TestAuthority
let acme: TestOrganization
let other: TestOrganization
let cast: Cast
let ada: Person
let agents: Agent[]

const code = ({ status, body }: Answer) => [status, body.error, body.error_code]
const agentAt = (place: number) => agents[place] as Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'other'] })
  acme = authority.organizations.acme as TestOrganization
  other = authority.organizations.other as TestOrganization
  cast = castOf(acme)
  ada = await cast.person(
    'Ada',
    [api, files].map((resource) => ({ resource, scope: 'a:*' })),
  )
  agents = []
  for (let place = 0; place < 9; place++) {
    const permissions = [{ resource: api, scope: 'a:read' }]
    agents.push(await cast.agent(`agent-${place}`, ada, { capabilities: ['a:*'], permissions }))
  }
  await cast.resource(api, ['a:read', 'a:write'], { operator: agentAt(8).id })
  await cast.resource(files, ['a:read', 'a:write'])
})
afterAll(() => authority.stop())

type Words = Parameters<Cast['delegate']>[1]

const fromAda = (more: Partial<Words> = {}, key = ada.key) =>
  cast.delegate(
    { iss: ada.id, key },
    { delegate: agentAt(0).clientId, aud: [api], scope: 'a:*', max_depth: 7, ...more },
  )

/** Agent `from` hands on to agent `to`. */
async function handOn(chain: string[], from: number, to: number, more: Partial<Words> = {}): Promise<string[]> {
  const { hash, statement } = await readStatement(chain.at(-1) as string)
  const { key, clientId } = agentAt(from)
  const words = {
    delegate: agentAt(to).clientId,
    aud: statement.aud,
    scope: statement.scope,
    max_depth: Math.max(0, statement.max_depth - 1),
    exp: statement.exp,
    par_hash: hash,
    ...(statement.task !== undefined && { task: statement.task }),
    ...more,
  }
  return cast.delegate({ iss: clientId, sub: statement.sub, key }, words, chain)
}

const tokenOf = async (answer: Promise<Answer>): Promise<string> => {
  const { status, body } = await answer
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body.access_token
}

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

  test('longer is refused, and so is a looser or a dropped constraint, and another task', async () => {
    const longer = await handOn(await fromAda({ expiresIn: 600 }), 0, 1, { exp: seconds() + 700 })
    expect((await cast.exchange(agentAt(1), longer, api)).body.error_code).toBe('expired')
    const bounded = await fromAda({ constraints: [{ key: 'amount', max: 10 }] })
    for (const constraints of [[{ key: 'amount', max: 11 }], [{ key: 'other', max: 1 }], []]) {
      const chain = await handOn(bounded, 0, 1, { constraints })
      expect((await cast.exchange(agentAt(1), chain, api)).body.error_code).toBe('not_narrower')
    }
    const tasked = await handOn(await fromAda({ task: 'one' }), 0, 1, { task: 'two' })
    expect((await cast.exchange(agentAt(1), tasked, api)).body.error_code).toBe('not_narrower')
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

describe('A70, A71: chains are not spliced, cut or forged', () => {
  test('hops of two chains do not make one', async () => {
    const one = await handOn(await fromAda(), 0, 1)
    const two = await handOn(await fromAda({ scope: 'a:read' }), 0, 1)
    const spliced = [two[0] as string, one[1] as string]
    expect((await cast.exchange(agentAt(1), spliced, api)).body.error_code).toBe('par_hash_mismatch')
  })

  test('a chain cut at its root, turned round or longer than eight is refused', async () => {
    const chain = await handOn(await fromAda(), 0, 1)
    expect((await cast.exchange(agentAt(1), chain.slice(1), api)).body.error).toBe('invalid_request')
    expect((await cast.exchange(agentAt(1), chain.toReversed(), api)).body.error).toBe('invalid_request')
    let long = await fromAda()
    for (let place = 0; place < 7; place++) long = await handOn(long, place, place + 1)
    expect(long).toHaveLength(8)
    const { body } = await cast.exchange(agentAt(7), long, api)
    expect(claimsIn(body.access_token).delegation_chain).toHaveLength(8)
    const tooLong = await handOn(long, 7, 8)
    expect((await cast.exchange(agentAt(8), tooLong, api)).body.error_code).toBe('depth_invalid')
  })

  test('who signs is who hands on: not another’s key, not another principal', async () => {
    const root = await fromAda()
    const { hash } = await readStatement(root[0] as string)
    const words = { delegate: agentAt(2).clientId, aud: [api], scope: 'a:read', par_hash: hash }
    const forged = await cast.delegate({ iss: agentAt(0).clientId, sub: ada.id, key: agentAt(1).key }, words, root)
    expect((await cast.exchange(agentAt(2), forged, api)).body.error_code).toBe('delegator_unknown')
    const foreign = await cast.delegate({ iss: agentAt(1).clientId, sub: ada.id, key: agentAt(1).key }, words, root)
    expect((await cast.exchange(agentAt(2), foreign, api)).body.error_code).toBe('par_hash_mismatch')
    const altered = await cast.delegate({ iss: agentAt(0).clientId, key: agentAt(0).key }, words, root)
    expect((await cast.exchange(agentAt(2), altered, api)).body.error_code).toBe('principal_altered')
    const asAda = await cast.delegate(
      { iss: agentAt(1).clientId, sub: ada.id, key: agentAt(1).key },
      { delegate: agentAt(1).clientId, aud: [api], scope: 'a:read' },
    )
    expect((await cast.exchange(agentAt(1), asAda, api)).body.error_code).toBe('principal_altered')
  })

  test('what is said to be attested must be the authority’s, and one it knows', async () => {
    const statement = newStatement(
      {
        iss: ada.id,
        sub: ada.id,
        delegate: agentAt(0).clientId,
        authority: acme.issuer,
        aud: [api],
        scope: 'a:read',
        evidence: { kind: 'attested', by: agentAt(0).id, how: 'administrator' },
      },
      seconds(),
    )
    const { keys } = (await (await fetch(`${acme.issuer}/jwks`)).json()) as { keys: Array<{ kid: string }> }
    const forged = [await signStatement({ ...ada.key, kid: keys[0]?.kid as string }, statement)]
    expect((await cast.exchange(agentAt(0), forged, api)).body.error_code).toBe('signature_invalid')
    const own = [await signStatement(ada.key, statement)]
    expect((await cast.exchange(agentAt(0), own, api)).body.error_code).toBe('delegator_unknown')
  })

  test('act from the request is not looked at', async () => {
    const chain = await fromAda()
    const act = JSON.stringify({ sub: 'spiffe://acme.credence.example/agent/agent-5' })
    const { body } = await cast.exchange(agentAt(0), chain, api, { act, may_act: act, sub: ada.id, client: 'x' })
    expect(claimsIn(body.access_token).act).toEqual({ sub: agentAt(0).clientId })
  })

  test('two valid tokens do not splice: the standing delegation must lead on from the subject’s own chain', async () => {
    // 0 acts for Ada; 1 has a delegation of Ada's too, but not from 0.
    const subject = await tokenOf(cast.exchange(agentAt(0), await fromAda({ scope: 'a:read' }), api))
    await tokenOf(cast.exchange(agentAt(1), await fromAda({ delegate: agentAt(1).clientId, scope: 'a:read' }), api))
    const act = async (actor: number) =>
      cast.ask(agentAt(actor), {
        grant_type: exchangeGrant,
        subject_token: subject,
        subject_token_type: accessTokenType,
        actor_token: await cast.token(agentAt(actor), api),
        actor_token_type: accessTokenType,
        resource: api,
      })
    expect((await act(1)).body.error_code).toBe('actor_not_named')
  })

  test('it does lead on when the holder handed its own chain on', async () => {
    const root = await fromAda({ scope: 'a:read' })
    const subject = await tokenOf(cast.exchange(agentAt(0), root, api))
    await tokenOf(cast.exchange(agentAt(2), await handOn(root, 0, 2), api))
    const { body } = await cast.ask(agentAt(2), {
      grant_type: exchangeGrant,
      subject_token: subject,
      subject_token_type: accessTokenType,
      actor_token: await cast.token(agentAt(2), api),
      actor_token_type: accessTokenType,
      resource: api,
    })
    const claims = claimsIn(body.access_token)
    expect(claims).toMatchObject({ sub: ada.id, act: { sub: agentAt(2).clientId, act: { sub: agentAt(0).clientId } } })
    expect(claims.lineage).toContainEqual([claimsIn(subject).jti, 0])
  })
})

describe('A72: only what is ours, and only as what it is', () => {
  test.each(['refresh_token', 'id_token', 'saml1', 'saml2'])('%s is no subject token', async (type) => {
    const [statement] = await fromAda()
    const answer = await cast.ask(agentAt(0), {
      grant_type: exchangeGrant,
      subject_token: statement as string,
      subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
      resource: api,
    })
    expect(code(answer)).toEqual([400, 'invalid_request', 'subject_token_type_unsupported'])
  })

  test('a token shown as a delegation, or a delegation as a token, is refused', async () => {
    const token = await cast.token(agentAt(0), api)
    const ask = (subject_token: string, subject_token_type: string) =>
      cast.ask(agentAt(0), { grant_type: exchangeGrant, subject_token, subject_token_type, resource: api })
    expect((await ask(token, delegationType)).body.error_code).toBe('type_mismatch')
    const [statement] = await fromAda()
    expect((await ask(statement as string, accessTokenType)).body.error_code).toBe('subject_token_invalid')
  })
})

describe('A73 to A75: what has ended issues nothing, and ends all that rests on it', () => {
  const introspect = (token: string) => cast.introspect(agentAt(8), token)

  test('a revoked parent ends the tokens of every depth, and nothing more is issued', async () => {
    const chains = [await fromAda()]
    for (let place = 0; place < 4; place++) chains.push(await handOn(chains[place] as string[], place, place + 1))
    const tokens = await Promise.all(chains.map((chain, place) => tokenOf(cast.exchange(agentAt(place), chain, api))))
    for (const token of tokens) expect(await introspect(token)).toBe(true)
    const root = (await readStatement(chains[0]?.[0] as string)).id
    const answer = await acme.api('post', '/v1/revocations', { id: root, cause: 'test' })
    expect(answer.status).toBe(200)
    for (const token of tokens) expect(await introspect(token)).toBe(false)
    for (const [place, chain] of chains.entries()) {
      expect((await cast.exchange(agentAt(place), chain, api)).body.error_code).toBe('revoked')
    }
  })

  test('a suspended agent in the middle ends what it handed on, and resuming brings no old token back', async () => {
    const chain = await handOn(await handOn(await fromAda(), 0, 5), 5, 6)
    const token = await tokenOf(cast.exchange(agentAt(6), chain, api))
    await acme.api('post', `/v1/agents/${agentAt(5).id}/suspend`)
    expect(await introspect(token)).toBe(false)
    expect((await cast.exchange(agentAt(6), chain, api)).body.error_code).toBe('revoked')
    await acme.api('post', `/v1/agents/${agentAt(5).id}/resume`)
    expect(await introspect(token)).toBe(false)
  })

  test('revoking races with issuing: whatever was issued is dead, and afterwards nothing is', async () => {
    for (let round = 0; round < 3; round++) {
      const chain = await fromAda()
      const { id } = await readStatement(chain[0] as string)
      await tokenOf(cast.exchange(agentAt(0), chain, api))
      const asking = Array.from({ length: 12 }, () => cast.exchange(agentAt(0), chain, api))
      const revoking = acme.api('post', '/v1/revocations', { id, cause: 'race' })
      const answers = await Promise.all(asking)
      expect((await revoking).status).toBe(200)
      for (const { status, body } of answers) {
        if (status === 200) expect(await introspect(body.access_token)).toBe(false)
        else expect(body.error_code).toBe('revoked')
      }
      expect((await cast.exchange(agentAt(0), chain, api)).body.error_code).toBe('revoked')
    }
  })

  test('a task ends everywhere, and a statement revoked before it was ever shown is refused at first sight', async () => {
    const chain = await fromAda({ task: 'doomed' })
    const token = await tokenOf(cast.exchange(agentAt(0), chain, api))
    await acme.api('post', '/v1/revocations', { id: 'task:doomed', cause: 'test' })
    expect(await introspect(token)).toBe(false)
    expect((await cast.exchange(agentAt(0), chain, api)).body.error_code).toBe('revoked')
    const unseen = await fromAda()
    const { id } = await readStatement(unseen[0] as string)
    await acme.api('post', '/v1/revocations', { id, cause: 'stolen' })
    expect((await cast.exchange(agentAt(0), unseen, api)).body.error_code).toBe('revoked')
  })

  test('a signing key that is revoked ends what it signed; its successor signs at once', async () => {
    const before = await cast.token(agentAt(0), api)
    const { body } = await acme.api('get', '/v1/signing-keys')
    const active = body.items.find(({ state }: { state: string }) => state === 'active').id
    expect((await acme.api('post', `/v1/signing-keys/${active}/revoke`, { cause: 'compromised' })).status).toBe(200)
    expect(await introspect(before)).toBe(false)
    const after = await cast.token(agentAt(0), api)
    expect(await introspect(after)).toBe(true)
    const { keys } = (await (await fetch(`${acme.issuer}/jwks`)).json()) as { keys: Array<{ kid: string }> }
    expect(keys.map(({ kid }) => kid)).not.toContain(active)
    expect((await acme.api('post', `/v1/signing-keys/${active}/revoke`, {})).body.code).toBe('already_ended')
  })
})

describe('A76, A77: nobody hides, and nothing crosses organizations', () => {
  test('every token for another names its actor', async () => {
    const answer = await cast.ask(agentAt(8), {
      grant_type: exchangeGrant,
      subject_token: await cast.token(agentAt(0), api),
      subject_token_type: accessTokenType,
      resource: api,
    })
    expect(answer.body.error_code).toBe('onward_not_granted')
  })

  test('a statement meant for another authority, and a token of another organization, are refused', async () => {
    const there = castOf(other)
    const eve = await there.person('Eve', [{ resource: api, scope: 'a:*' }])
    const theirs = await there.agent('agent-0', eve, {
      capabilities: ['a:*'],
      permissions: [{ resource: api, scope: 'a:read' }],
    })
    await there.resource(api, ['a:read'])
    const foreign = await there.delegate(
      { iss: eve.id, key: eve.key },
      { delegate: agentAt(0).clientId, aud: [api], scope: 'a:read' },
    )
    expect((await cast.exchange(agentAt(0), foreign, api)).body.error_code).toBe('issuer_untrusted')
    const rewritten = await cast.delegate(
      { iss: eve.id, key: eve.key },
      { delegate: agentAt(0).clientId, aud: [api], scope: 'a:read' },
    )
    expect((await cast.exchange(agentAt(0), rewritten, api)).body.error_code).toBe('delegator_unknown')
    const token = await there.token(theirs, api)
    const answer = await cast.ask(agentAt(8), {
      grant_type: exchangeGrant,
      subject_token: token,
      subject_token_type: accessTokenType,
      resource: api,
      org: other.id,
    })
    expect(answer.body.error_code).toBe('subject_token_invalid')
    expect(await cast.introspect(agentAt(8), token)).toBe(false)
  })
})
