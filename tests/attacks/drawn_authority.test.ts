// What a token, or a delegation, draws on: it never has more than any of it, never outlives any of it, and ends with all of it.

import { coversAll, generateSigningKey, parseScope, readStatement, signStatement } from '@credence/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Answer, call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
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

const docs = 'https://docs.example/'
const mail = 'https://mail.example/'
const everything = [docs, mail].map((resource) => ({ resource, scope: 'docs:* mail:*' }))
let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let ada: Person
let operator: Agent
let agents = 0

const code = ({ status, body }: Answer) => (status === 200 ? 'granted' : body.error_code)

beforeAll(async () => {
  vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  authority = await startTestAuthority({ organizations: ['acme'], clock })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  ada = await cast.person('Ada', everything)
  operator = await newAgent()
  await cast.resource(docs, ['docs:read', 'docs:write'], { operator: operator.id })
  await cast.resource(mail, ['mail:send', 'mail:read'])
})
afterAll(async () => {
  await authority.stop()
  vi.restoreAllMocks()
})

function newAgent(more: object = {}): Promise<Agent> {
  const permissions = [{ resource: docs, scope: 'docs:*' }]
  return cast.agent(`agent-${agents++}`, ada, { capabilities: ['docs:*', 'mail:*'], permissions, ...more })
}

const { now } = Date
let aheadMs = 0

/** The clock that the authority and this test go by jumps, and never back. */
function later(ms: number): void {
  aheadMs += ms
}

type Words = Parameters<Cast['delegate']>[1]
const words = (to: Agent, more: Partial<Words> = {}): Words => ({
  delegate: to.instance?.spiffeId ?? to.clientId,
  aud: [docs],
  scope: 'docs:read docs:write',
  ...more,
})
const fromAda = (to: Agent, more: Partial<Words> = {}, key = ada.key) =>
  cast.delegate({ iss: ada.id, key }, words(to, more))
const from = (by: Agent, to: Agent, more: Partial<Words> = {}) =>
  cast.delegate({ iss: by.clientId, key: by.key }, words(to, more))

async function handOn(chain: string[], by: Agent, to: Agent, more: Partial<Words> = {}): Promise<string[]> {
  const { hash, statement } = await readStatement(chain.at(-1) as string)
  const { aud, scope, exp, sid, sub, task } = statement
  const inherited = { aud, scope, exp, par_hash: hash, ...(task && { task }), ...(sid && { sid }) }
  return cast.delegate({ iss: by.clientId, sub, key: by.key }, { ...words(to), ...inherited, ...more }, chain)
}

const onBehalf = (subject: string, more: Record<string, string> = {}, by: Agent = operator) =>
  cast.ask(by, {
    grant_type: exchangeGrant,
    subject_token: subject,
    subject_token_type: accessTokenType,
    resource: mail,
    ...more,
  })

async function granted(asked: Promise<Answer>): Promise<string> {
  const { status, body } = await asked
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body.access_token
}

/** The chain that a token names, statement by statement. */
async function chainOf(token: string): Promise<string[]> {
  const hops: Array<{ hash: string }> = claimsIn(token).delegation_chain
  return Promise.all(hops.map(async ({ hash }) => (await acme.api('get', `/statements/${hash}`)).body))
}

const end = async (id: string) =>
  expect((await acme.api('post', '/v1/revocations', { id, cause: 'compromised' })).status).toBe(200)

/** The same agent, with a further key that obtains only this. */
const limited = async (agent: Agent, scope: string[]): Promise<Agent> => {
  const key = await generateSigningKey('EdDSA')
  const body = { kind: 'public_key', jwk: key.publicJwk, scope }
  const { body: made } = await acme.api('post', `/v1/agents/${agent.id}/credentials`, body)
  return { ...agent, key, credential: made.id }
}

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
    const subject = await granted(cast.exchange(copy, chain, docs, { task: `task-${agents}`, session: 'session-1' }))
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

describe('a key signs no longer than it authenticates', () => {
  const mayHave = { kinds: ['public_key', 'client_secret'] }

  test('when its kind is not allowed any more: nothing new, and nothing from before', async () => {
    const [by, to] = [await newAgent({ credential_policy: mayHave }), await newAgent()]
    const [shown, unseen] = [await from(by, to), await from(by, to)]
    expect(code(await cast.exchange(to, shown, docs))).toBe('granted')
    await acme.api('patch', `/v1/agents/${by.id}`, { credential_policy: { kinds: ['client_secret'] } })
    const itself = await cast.ask(by, { grant_type: 'client_credentials', resource: docs })
    expect(code(itself)).toBe('credential_kind_refused')
    expect(code(await cast.exchange(to, unseen, docs))).toBe('delegator_unknown')
    expect(code(await cast.exchange(to, shown, docs))).toBe('expired')
  })

  test('nor do an operator or an actor draw on what it signed', async () => {
    const by = await newAgent({ credential_policy: mayHave, permissions: everything })
    const [caller, actor] = [await newAgent(), await newAgent()]
    const root = await from(by, caller, { scope: 'docs:read mail:send', onward: [mail], max_depth: 2 })
    const subject = await granted(cast.exchange(caller, root, docs))
    await granted(cast.exchange(actor, await handOn(root, caller, actor, { max_depth: 0 }), docs))
    const acting = async () =>
      cast.ask(actor, {
        grant_type: exchangeGrant,
        subject_token: subject,
        subject_token_type: accessTokenType,
        actor_token: await cast.token(actor, docs),
        actor_token_type: accessTokenType,
        resource: docs,
      })
    expect([code(await onBehalf(subject)), code(await acting())]).toEqual(['granted', 'granted'])
    await acme.api('patch', `/v1/agents/${by.id}`, { credential_policy: { kinds: ['client_secret'] } })
    expect([code(await onBehalf(subject)), code(await acting())]).toEqual(['expired', 'actor_not_named'])
  })

  test('when it is older than the policy allows', async () => {
    const [by, to] = [await newAgent(), await newAgent()]
    const [shown, unseen] = [await from(by, to), await from(by, to)]
    await granted(cast.exchange(to, shown, docs))
    const policy = { kinds: ['public_key'], max_lifetime_seconds: 60 }
    await acme.api('patch', `/v1/agents/${by.id}`, { credential_policy: policy })
    expect(claimsIn(await granted(cast.exchange(to, shown, docs))).exp).toBeLessThanOrEqual(seconds() + 60)
    later(61_000)
    const itself = await cast.ask(by, { grant_type: 'client_credentials', resource: docs })
    expect(code(itself)).toBe('credential_expired')
    expect(code(await cast.exchange(to, unseen, docs))).toBe('delegator_unknown')
    expect(code(await cast.exchange(to, shown, docs))).toBe('expired')
  })
})

describe('P8: what a key signed does not outlive it', () => {
  const lifetime = 100

  const signers: Record<string, (to: Agent) => Promise<string[]>> = {
    'a person’s key': async (to) => {
      const key = await generateSigningKey('ES256')
      const body = { jwk: key.publicJwk, expires_at: seconds() + lifetime }
      expect((await acme.api('post', `/v1/people/${ada.id}/keys`, body)).status).toBe(201)
      return fromAda(to, { max_depth: 2, expiresIn: 86_400 }, key)
    },
    'an agent’s key': async (to) => {
      const by = await newAgent()
      const key = await generateSigningKey('EdDSA')
      const body = { kind: 'public_key', jwk: key.publicJwk, expires_at: seconds() + lifetime }
      expect((await acme.api('post', `/v1/agents/${by.id}/credentials`, body)).status).toBe(201)
      return from({ ...by, key }, to, { max_depth: 2, expiresIn: 86_400 })
    },
    'an instance’s key': async (to) => {
      const by = await cast.instanceOf(await newAgent(), { lifetime_seconds: lifetime })
      return from(by, to, { max_depth: 2, expiresIn: 86_400 })
    },
  }

  test.each(Object.entries(signers))('%s', async (_whose, sign) => {
    const [to, further] = [await newAgent(), await newAgent()]
    const until = seconds() + lifetime + 1
    const chain = await sign(to)
    const below = await handOn(chain, to, further, { max_depth: 1 })
    expect(claimsIn(await granted(cast.exchange(to, chain, docs))).exp).toBeLessThanOrEqual(until)
    expect(claimsIn(await granted(cast.exchange(further, below, docs))).exp).toBeLessThanOrEqual(until)
    // What the authority attests below it ends with it too.
    const parent = (await readStatement(chain[0] as string)).hash
    const attest = { delegator: to.clientId, delegate: further.clientId, aud: [docs], scope: 'docs:read', parent }
    const attested = await acme.api('post', '/v1/delegations', attest)
    expect(attested.status).toBe(201)
    for (const id of [(await readStatement(below[1] as string)).id, attested.body.id]) {
      expect((await acme.api('get', `/v1/delegations/${id}`)).body.expires_at).toBeLessThanOrEqual(until)
    }
    later((lifetime + 1) * 1000)
    expect(code(await cast.exchange(to, chain, docs))).toBe('expired')
    expect(code(await cast.exchange(further, below, docs))).toBe('expired')
    expect(code(await cast.exchange(further, attested.body.chain, docs))).toBe('expired')
    const fresh = await handOn(chain, to, further, { max_depth: 0 })
    expect(code(await cast.exchange(further, fresh, docs))).toBe('expired')
    expect((await acme.api('post', '/v1/delegations', attest)).body.code).toBe('expired')
  })

  test('nor does what an actor or an operator draws from it', async () => {
    const [caller, actor] = [await newAgent(), await newAgent()]
    const key = await generateSigningKey('ES256')
    const body = { jwk: key.publicJwk, expires_at: seconds() + lifetime }
    await acme.api('post', `/v1/people/${ada.id}/keys`, body)
    const root = await fromAda(caller, { scope: 'docs:read mail:send', onward: [mail], max_depth: 2 }, key)
    const subject = await granted(cast.exchange(caller, root, docs))
    await granted(cast.exchange(actor, await handOn(root, caller, actor, { max_depth: 1 }), docs))
    const behalf = claimsIn(await granted(onBehalf(subject)))
    const acting = await cast.ask(actor, {
      grant_type: exchangeGrant,
      subject_token: subject,
      subject_token_type: accessTokenType,
      actor_token: await cast.token(actor, docs),
      actor_token_type: accessTokenType,
      resource: docs,
    })
    for (const { exp } of [behalf, claimsIn(await granted(Promise.resolve(acting)))]) {
      expect(exp).toBeLessThanOrEqual(body.expires_at)
    }
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

describe('what was stopped brings nothing back that was made before', () => {
  const stopped: Record<string, (world: { by: Agent; to: Agent }) => string> = {
    'its delegator': ({ by }) => by.id,
    'its delegate': ({ to }) => to.id,
    'the instance that signed': ({ by }) => by.instance?.id ?? '',
    'the organization': () => acme.id,
  }

  test.each(Object.entries(stopped))('%s was stopped after a statement was signed', async (_what, idOf) => {
    const [by, to] = [await cast.instanceOf(await newAgent()), await newAgent()]
    const id = idOf({ by, to })
    const [shown, unseen] = [await from(by, to), await from(by, to)]
    await granted(cast.exchange(to, shown, docs))
    later(5_000)
    await end(id)
    later(5_000)
    const meanwhile = await from(by, to)
    later(5_000)
    expect((await acme.api('post', '/v1/revocations/restore', { id })).status).toBe(200)
    later(5_000)
    for (const chain of [shown, unseen, meanwhile]) expect(code(await cast.exchange(to, chain, docs))).toBe('revoked')
    expect(code(await cast.exchange(to, await from(by, to), docs))).toBe('granted')
  })

  test('a person who was stopped signs again', async () => {
    const to = await newAgent()
    const bob = await cast.person('Bob', everything)
    const sign = () => cast.delegate({ iss: bob.id, key: bob.key }, words(to))
    const unseen = await sign()
    later(5_000)
    await acme.api('post', '/v1/revocations', { id: bob.id, cause: 'leave' })
    await acme.api('post', '/v1/revocations/restore', { id: bob.id })
    expect(code(await cast.exchange(to, unseen, docs))).toBe('revoked')
    later(1_000)
    expect(code(await cast.exchange(to, await sign(), docs))).toBe('granted')
  })
})

describe('the word of an administrator who is gone', () => {
  const attestedBy = async () => {
    const to = await newAgent()
    const { body: administrator } = await acme.api('post', '/v1/administrators', { name: 'Mallory' })
    const attest = (more: object) =>
      call(administrator.secret, 'post', `${acme.issuer}/v1/delegations`, {
        delegator: ada.id,
        delegate: to.clientId,
        aud: [docs],
        scope: 'docs:read',
        ...more,
      })
    const made = await attest({ max_depth: 1 })
    expect(made.status).toBe(201)
    return {
      id: administrator.id as string,
      to,
      chain: made.body.chain as string[],
      delegation: made.body.id as string,
    }
  }
  const end = (id: string, query = '') => acme.api('delete', `/v1/administrators/${id}${query}`)
  const introspect = (token: string) => cast.introspect(operator, token)

  test('is found by who gave it, and stands unless it is ended too', async () => {
    const { id, to, chain, delegation } = await attestedBy()
    const { items } = (await acme.api('get', `/v1/delegations?attested_by=${id}`)).body
    expect(items.map((item: { id: string }) => item.id)).toEqual([delegation])
    expect((await end(id)).status).toBe(200)
    const token = await granted(cast.exchange(to, chain, docs))
    // Also afterwards: who it was may become known late.
    const ended = await end(id, '?attestations=end&cause=compromised')
    expect([ended.status, ended.body.id, ended.body.cause]).toEqual([200, id, 'compromised'])
    expect(await introspect(token)).toBe(false)
    expect(code(await cast.exchange(to, chain, docs))).toBe('revoked')
    expect((await acme.api('get', `/v1/delegations/${delegation}`)).body.alive).toBe(false)
  })

  test('ends at once with the administrator, with all that was handed on, and for good', async () => {
    const [{ id, to, chain }, other] = [await attestedBy(), await attestedBy()]
    const below = await newAgent()
    const handed = await handOn(chain, to, below, { max_depth: 0 })
    const tokens = [await granted(cast.exchange(to, chain, docs)), await granted(cast.exchange(below, handed, docs))]
    expect((await end(id, '?attestations=end')).status).toBe(200)
    for (const token of tokens) expect(await introspect(token)).toBe(false)
    expect(code(await cast.exchange(below, handed, docs))).toBe('revoked')
    expect(code(await cast.exchange(other.to, other.chain, docs))).toBe('granted')
    expect((await acme.api('post', '/v1/revocations/restore', { id })).status).toBe(409)
    const { records } = (await acme.api('get', '/v1/audit/records?type=administrator.ended')).body
    expect(records.map(({ leaf }: { leaf: { subject: string } }) => leaf.subject)).toContain(id)
  })
})

describe('the installation stops an organization', () => {
  const deed = (id: string, what: string, body?: object, secret = authority.installationSecret) =>
    call(secret, 'post', `${authority.origin}/v1/organizations/${id}/${what}`, body)

  test('whole, and its own administrators cannot undo it', async () => {
    const globex = await authority.createOrganization('globex')
    const theirs = castOf(globex)
    const eve = await theirs.person('Eve', everything)
    const worker = await theirs.agent('worker', eve, {
      permissions: [{ resource: docs, scope: 'docs:read' }],
      capabilities: ['docs:*'],
    })
    await theirs.resource(docs, ['docs:read'], { operator: worker.id })
    const token = await theirs.token(worker, docs)
    const ask = () => theirs.ask(worker, { grant_type: 'client_credentials', resource: docs })

    expect((await deed(globex.id, 'suspend', {}, globex.administratorSecret)).status).toBe(401)
    expect((await deed(globex.id, 'resume')).body.code).toBe('conflict')
    const suspended = await deed(globex.id, 'suspend', { cause: 'abuse' })
    expect([suspended.status, suspended.body.cause]).toEqual([200, 'abuse'])
    expect((await deed(globex.id, 'suspend', {})).body.code).toBe('already_ended')
    expect(code(await ask())).toBe('revoked')
    const restore = () => globex.api('post', '/v1/revocations/restore', { id: globex.id })
    expect((await restore()).body.code).toBe('forbidden')
    // Nor by stopping itself as well.
    await globex.api('post', '/v1/revocations', { id: globex.id, cause: 'trick' })
    expect((await restore()).body.code).toBe('forbidden')
    expect(code(await ask())).toBe('revoked')
    expect(code(await cast.ask(operator, { grant_type: 'client_credentials', resource: docs }))).toBe('granted')

    const resumed = await deed(globex.id, 'resume')
    expect([resumed.status, resumed.body.suspended_at_ms]).toEqual([200, undefined])
    expect(code(await ask())).toBe('granted')
    expect(await theirs.introspect(worker, token)).toBe(false)
    // What it stops itself, it still brings back itself.
    await globex.api('post', '/v1/revocations', { id: globex.id, cause: 'drill' })
    expect((await deed(globex.id, 'resume')).body.code).toBe('conflict')
    expect((await restore()).status).toBe(200)
  })

  test('and only one that there is', async () => {
    expect((await deed('org_AAAAAAAAAAAAAAAAAAAAAA', 'suspend', {})).status).toBe(404)
    expect((await deed('nonsense', 'resume')).status).toBe(404)
  })
})
