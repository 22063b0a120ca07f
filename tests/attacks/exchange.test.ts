// A70 to A77 of the attack list: delegation and exchange.

import { newStatement, readStatement, signStatement } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessTokenType, castOf, claimsIn, delegationType, exchangeGrant, seconds } from '../cast.ts'
import { acme, ada, agentAt, api, cast, code, fromAda, handOn, other, start, stop, tokenOf } from './handing_on.ts'

beforeAll(start)
afterAll(stop)

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
