// Whoever was stopped, and whoever stopped others: nothing comes back by waiting, or by another door.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../authority.ts'
import { type Agent, castOf } from '../cast.ts'
import {
  acme,
  ada,
  authority,
  cast,
  code,
  docs,
  end,
  everything,
  from,
  granted,
  handOn,
  later,
  newAgent,
  operator,
  start,
  stop,
  words,
} from './drawing.ts'

beforeAll(start)
afterAll(stop)

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
