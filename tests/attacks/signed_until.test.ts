// What a key has signed is worth something for as long as the key is, and no longer.

import { generateSigningKey, readStatement } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Agent, claimsIn, seconds } from '../cast.ts'
import {
  acme,
  ada,
  cast,
  code,
  docs,
  everything,
  from,
  fromAda,
  granted,
  handOn,
  later,
  mail,
  newAgent,
  onBehalf,
  start,
  stop,
  takeOver,
} from './drawing.ts'

beforeAll(start)
afterAll(stop)

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
    const drawn = async () => [code(await onBehalf(subject)), code(await takeOver(subject, actor))]
    expect(await drawn()).toEqual(['granted', 'granted'])
    await acme.api('patch', `/v1/agents/${by.id}`, { credential_policy: { kinds: ['client_secret'] } })
    expect(await drawn()).toEqual(['expired', 'actor_not_named'])
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
    for (const asked of [onBehalf(subject), takeOver(subject, actor)]) {
      expect(claimsIn(await granted(asked)).exp).toBeLessThanOrEqual(body.expires_at)
    }
  })
})
