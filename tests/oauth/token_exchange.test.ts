import { readStatement } from '@credence/protocol'
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
} from '../cast.ts'

const api = 'https://api.example/'
const files = 'https://files.example/'
let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let ada: Person
let planner: Agent
let writer: Agent
let operator: Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada', [
    { resource: api, scope: 'pr:* repo:read' },
    { resource: files, scope: 'file:read' },
  ])
  const capabilities = ['pr:*', 'repo:read', 'file:*']
  planner = await cast.agent('planner', ada, { capabilities })
  writer = await cast.agent('writer', ada, { capabilities })
  operator = await cast.agent('api-operator', ada, { capabilities })
  await cast.resource(api, ['pr:write:draft', 'pr:write:final', 'repo:read'], { operator: operator.id })
  await cast.resource(files, ['file:read', 'file:write'])
})
afterAll(() => authority.stop())

const code = ({ status, body }: Answer) => [status, body.error, body.error_code]

describe('(a) a delegation as subject_token', () => {
  test('a person hands on to an agent, and the token says for whom and by whom', async () => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: planner.clientId, aud: [api], scope: 'pr:* repo:read', task: 'ticket-1', max_depth: 2 },
    )
    const { status, body } = await cast.exchange(planner, chain, api, { scope: 'pr:write:draft' })
    expect(body).toMatchObject({ issued_token_type: accessTokenType, token_type: 'DPoP', scope: 'pr:write:draft' })
    expect(status).toBe(200)
    const claims = claimsIn(body.access_token)
    const { id, hash, statement } = await readStatement(chain[0] as string)
    expect(claims).toMatchObject({
      sub: ada.id,
      client_id: planner.clientId,
      act: { sub: planner.clientId },
      task: 'ticket-1',
      max_depth: 2,
      delegation_chain: [
        { delegator: ada.id, delegate: planner.clientId, exp: statement.exp, evidence: 'signed', hash },
      ],
    })
    const lineage = claims.lineage.map(([id]: [string]) => id)
    expect(lineage).toEqual(
      expect.arrayContaining([acme.id, ada.id, id, planner.id, planner.credential, 'task:ticket-1']),
    )
    expect((await acme.api('get', `/statements/${hash}`)).body).toBe(chain[0])
  })

  test('an agent hands on less: act nests, newest outermost, and the whole chain is in the lineage', async () => {
    const root = await cast.delegate(
      { iss: ada.id, key: ada.key },
      {
        delegate: planner.clientId,
        aud: [api],
        scope: 'pr:*',
        max_depth: 1,
        constraints: [{ key: 'amount', max: 50 }],
      },
    )
    const chain = await cast.delegate(
      { iss: planner.clientId, sub: ada.id, key: planner.key },
      {
        delegate: writer.clientId,
        aud: [api],
        scope: 'pr:write:draft',
        constraints: [{ key: 'amount', max: 10 }],
        par_hash: (await readStatement(root[0] as string)).hash,
        expiresIn: 600,
      },
      root,
    )
    const { body } = await cast.exchange(writer, chain, api)
    const claims = claimsIn(body.access_token)
    expect(claims.act).toEqual({ sub: writer.clientId, act: { sub: planner.clientId } })
    expect(claims.delegation_chain).toHaveLength(2)
    expect(claims.scope).toBe('pr:write:draft')
    expect(claims.authorization_details).toEqual([
      { type: 'agent_delegation', constraints: [{ key: 'amount', max: 10 }] },
    ])
    expect(body.authorization_details).toEqual(claims.authorization_details)
    const [first, second] = await Promise.all(chain.map(readStatement))
    const lineage = claims.lineage.map(([id]: [string]) => id)
    expect(lineage).toEqual(expect.arrayContaining([first?.id, second?.id, planner.credential]))
    // The upper part alone is the planner's, and the whole is not.
    expect((await cast.exchange(planner, root, api)).status).toBe(200)
    expect(code(await cast.exchange(planner, chain, api))).toEqual([400, 'invalid_request', 'holder_binding_failed'])
  })

  test('the answer is never more than delegation, principal, agent and resource all allow', async () => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: planner.clientId, aud: [api, files], scope: 'pr:write:draft file:read' },
    )
    expect((await cast.exchange(planner, chain, api)).body.scope).toBe('pr:write:draft')
    expect((await cast.exchange(planner, chain, files)).body.scope).toBe('file:read')
    const asked = await cast.exchange(planner, chain, api, { scope: 'pr:write:final' })
    expect(code(asked)).toEqual([400, 'invalid_scope', 'scope_exceeds_grant'])
    const elsewhere = await cast.exchange(planner, chain, 'https://else.example/')
    expect(code(elsewhere)).toEqual([400, 'invalid_target', 'resource_unknown'])
  })

  test('a person cannot hand on what they do not have', async () => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: planner.clientId, aud: [api], scope: 'repo:admin' },
    )
    expect(code(await cast.exchange(planner, chain, api))).toEqual([400, 'invalid_request', 'scope_not_granted'])
  })

  test('task is equal to the delegation’s, and the token ends no later than it', async () => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: planner.clientId, aud: [api], scope: 'repo:read', task: 'one', expiresIn: 60 },
    )
    expect(code(await cast.exchange(planner, chain, api, { task: 'two' }))).toEqual([
      400,
      'invalid_request',
      'task_mismatch',
    ])
    const { body } = await cast.exchange(planner, chain, api, { task: 'one' })
    expect(body.expires_in).toBeLessThanOrEqual(60)
    const { statement } = await readStatement(chain[0] as string)
    expect(claimsIn(body.access_token).exp).toBeLessThanOrEqual(statement.exp)
  })

  test('a statement first shown after its key has ended is refused; one shown before keeps working until then', async () => {
    const bob = await cast.person('Bob', [{ resource: api, scope: 'repo:read' }])
    const words = { delegate: planner.clientId, aud: [api], scope: 'repo:read' }
    const shown = await cast.delegate({ iss: bob.id, key: bob.key }, words)
    const kept = await cast.delegate({ iss: bob.id, key: bob.key }, words)
    expect((await cast.exchange(planner, shown, api)).status).toBe(200)
    const { body } = await acme.api('get', `/v1/people/${bob.id}`)
    await acme.api('delete', `/v1/people/${bob.id}/keys/${body.keys[0].id}`)
    expect(code(await cast.exchange(planner, kept, api))).toEqual([400, 'invalid_request', 'delegator_unknown'])
    expect(code(await cast.exchange(planner, shown, api))).toEqual([400, 'invalid_request', 'revoked'])
  })

  test('an administrator attests a hand-over; a resource may refuse those', async () => {
    const strict = 'https://strict.example/'
    await cast.resource(strict, ['file:read'], { accepts_attested: false })
    const attested = await acme.api('post', '/v1/delegations', {
      delegator: ada.id,
      delegate: 'planner',
      aud: [api, files],
      scope: 'repo:read file:read',
    })
    expect(attested.status).toBe(201)
    const { body } = await cast.exchange(planner, attested.body.chain, api)
    const claims = claimsIn(body.access_token)
    expect(claims.delegation_chain[0].evidence).toBe('attested')
    const { statement, kid } = await readStatement(attested.body.chain[0])
    expect(statement.evidence).toMatchObject({ kind: 'attested', how: 'administrator' })
    expect(claims.lineage).toContainEqual([kid, 0])
    const grace = await cast.person('Grace', [{ resource: strict, scope: 'file:read' }])
    const words = { delegator: grace.id, delegate: planner.clientId, aud: [strict], scope: 'file:read' }
    const refused = await acme.api('post', '/v1/delegations', words)
    const answer = await cast.exchange(planner, refused.body.chain, strict)
    expect(answer.body.error_code).toBe('attested_refused')
    expect((await acme.api('get', `/v1/delegations/${attested.body.id}`)).body).toMatchObject({
      delegator: ada.id,
      delegate: planner.clientId,
      alive: true,
    })
    const listed = await acme.api('get', `/v1/delegations?principal=${grace.id}`)
    expect(listed.body.items.map(({ id }: { id: string }) => id)).toEqual([refused.body.id])
  })

  test('given to one instance, another copy of the agent cannot use it', async () => {
    const [one, two] = [await cast.instanceOf(planner), await cast.instanceOf(planner)]
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: one.instance?.spiffeId as string, aud: [api], scope: 'repo:read' },
    )
    const { body } = await cast.exchange(one, chain, api)
    expect(claimsIn(body.access_token).act).toEqual({ sub: planner.clientId, instance: one.instance?.spiffeId })
    for (const other of [two, planner]) {
      expect((await cast.exchange(other, chain, api)).body.error_code).toBe('holder_binding_failed')
    }
  })
})

describe('(b) subject_token and actor_token', () => {
  let self: Agent

  beforeAll(async () => {
    self = await cast.agent('self', ada, {
      capabilities: ['pr:*', 'repo:read'],
      permissions: [{ resource: api, scope: 'repo:read pr:*' }],
    })
  })

  const act = async (subject: string, actor: Agent, more: Record<string, string> = {}) =>
    cast.ask(actor, {
      grant_type: exchangeGrant,
      subject_token: subject,
      subject_token_type: accessTokenType,
      actor_token: await cast.token(actor, `${acme.issuer}/v1`),
      actor_token_type: accessTokenType,
      resource: api,
      ...more,
    })

  test('needs a standing delegation that leads from the subject to the actor', async () => {
    const subject = await cast.token(self, api, { scope: 'repo:read pr:write:draft' })
    expect(code(await act(subject, writer))).toEqual([400, 'invalid_request', 'actor_not_named'])

    const words = { delegate: writer.clientId, aud: [api], scope: 'repo:read' }
    const [statement] = await cast.delegate({ iss: self.clientId, key: self.key }, words)
    // Known to the authority from here on: the writer has used it.
    expect((await cast.exchange(writer, [statement as string], api)).status).toBe(200)
    const { status, body } = await act(subject, writer)
    expect(body).toMatchObject({ issued_token_type: accessTokenType, scope: 'repo:read' })
    expect(status).toBe(200)
    const claims = claimsIn(body.access_token)
    expect(claims).toMatchObject({ sub: self.clientId, client_id: writer.clientId, act: { sub: writer.clientId } })
    expect(claims.exp).toBeLessThanOrEqual(claimsIn(subject).exp)
    expect(claims.lineage).toContainEqual([claimsIn(subject).jti, 0])

    // The subject token carries the other scope, the delegation does not.
    expect((await act(subject, writer, { scope: 'pr:write:draft' })).body.error_code).toBe('actor_not_named')

    const [again] = await cast.delegate({ iss: self.clientId, key: self.key }, words)
    await cast.exchange(writer, [again as string], api)
    expect(code(await act(subject, writer))).toEqual([400, 'invalid_request', 'ambiguous_delegation'])
  })

  test('the actor token is the caller’s own, and not one it holds for somebody else', async () => {
    const subject = await cast.token(self, api)
    const others = await act(subject, writer, { actor_token: await cast.token(planner, `${acme.issuer}/v1`) })
    expect(code(others)).toEqual([400, 'invalid_request', 'actor_token_invalid'])
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: writer.clientId, aud: [api], scope: 'repo:read' },
    )
    const forAda = (await cast.exchange(writer, chain, api)).body.access_token
    expect((await act(subject, writer, { actor_token: forAda })).body.error_code).toBe('actor_token_invalid')
  })
})

describe('(c) on behalf of', () => {
  const onBehalf = (caller: Agent, subject: string, more: Record<string, string> = {}) =>
    cast.ask(caller, {
      grant_type: exchangeGrant,
      subject_token: subject,
      subject_token_type: accessTokenType,
      resource: files,
      ...more,
    })

  const called = async (more: { onward?: string[]; max_depth?: number }, ask: Record<string, string> = {}) => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: planner.clientId, aud: [api], scope: more.onward ? 'repo:read file:read' : 'repo:read', ...more },
    )
    return (await cast.exchange(planner, chain, api, ask)).body.access_token as string
  }

  test('the operator goes on to a resource the grant names as onward, and nowhere else', async () => {
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      {
        delegate: planner.clientId,
        aud: [api],
        onward: [files],
        scope: 'file:read repo:read',
        task: 't',
        max_depth: 1,
      },
    )
    const subject = (await cast.exchange(planner, chain, api)).body.access_token
    const { status, body } = await onBehalf(operator, subject)
    expect(body).toMatchObject({ scope: 'file:read', issued_token_type: accessTokenType })
    expect(status).toBe(200)
    const claims = claimsIn(body.access_token)
    expect(claims).toMatchObject({
      aud: files,
      sub: ada.id,
      client_id: operator.clientId,
      act: { sub: operator.clientId, act: { sub: planner.clientId } },
      task: 't',
    })
    expect(claims.delegation_chain.map(({ evidence }: { evidence: string }) => evidence)).toEqual([
      'signed',
      'attested',
    ])
    expect(claims.exp).toBeLessThanOrEqual(claimsIn(subject).exp)
    expect(claims.lineage).toContainEqual([claimsIn(subject).jti, 0])
    const { body: compact } = await acme.api('get', `/statements/${claims.delegation_chain[1].hash}`)
    const { statement } = await readStatement(compact)
    expect(statement.evidence).toEqual({
      kind: 'attested',
      by: operator.id,
      how: 'on_behalf_of',
      token: claimsIn(subject).jti,
    })

    expect(code(await onBehalf(operator, subject, { resource: api }))).toEqual([
      400,
      'invalid_target',
      'onward_not_granted',
    ])
    // Not the operator of the resource the token is for.
    expect(code(await onBehalf(writer, subject))).toEqual([400, 'invalid_request', 'subject_token_invalid'])
    // The end of the first token is the end of the second.
    await acme.api('post', '/v1/revocations', { id: claimsIn(subject).jti, cause: 'test' })
    expect(code(await onBehalf(operator, subject))).toEqual([400, 'invalid_request', 'revoked'])
  })

  test('without onward, or without depth left, nobody goes on', async () => {
    expect((await onBehalf(operator, await called({ max_depth: 1 }))).body.error_code).toBe('onward_not_granted')
    const shallow = await called({ onward: [files], max_depth: 0 })
    expect((await onBehalf(operator, shallow)).body.error_code).toBe('depth_invalid')
  })

  test('what the caller left out of its token, its resource’s operator cannot go on with', async () => {
    const narrow = await called({ onward: [files], max_depth: 1 }, { scope: 'repo:read' })
    expect((await onBehalf(operator, narrow)).body.error_code).toBe('scope_exceeds_grant')
    const wide = await called({ onward: [files], max_depth: 1 }, { scope: 'repo:read file:read' })
    expect((await onBehalf(operator, wide)).body.scope).toBe('file:read')
    expect((await onBehalf(operator, wide, { scope: 'file:write' })).body.error_code).toBe('scope_exceeds_grant')
  })

  test('an agent’s own token carries nothing to go on with', async () => {
    const lone = await cast.agent('lone', ada, {
      capabilities: ['repo:read'],
      permissions: [{ resource: api, scope: 'repo:read' }],
    })
    expect((await onBehalf(operator, await cast.token(lone, api))).body.error_code).toBe('onward_not_granted')
  })
})

test('what is no exchange of ours is refused', async () => {
  const chain = await cast.delegate(
    { iss: ada.id, key: ada.key },
    { delegate: planner.clientId, aud: [api], scope: 'repo:read' },
  )
  const base = { grant_type: exchangeGrant, resource: api }
  const refused = async (more: Record<string, string>) =>
    (await cast.ask(planner, { ...base, ...more })).body.error_code
  const subject = { subject_token: chain[0] as string, subject_token_type: delegationType }
  expect(await refused({})).toBe('invalid_request')
  expect(await refused({ ...subject, subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' })).toBe(
    'subject_token_type_unsupported',
  )
  expect(await refused({ ...subject, requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' })).toBe(
    'token_type_unsupported',
  )
  expect(await refused({ ...subject, actor_token: 'x' })).toBe('invalid_request')
  expect(await refused({ ...subject, subject_token_type: accessTokenType })).toBe('subject_token_invalid')
  expect(await refused({ ...subject, resource: `${acme.issuer}/v1` })).toBe('resource_unknown')
})
