// A8, A72 and A77 of the attack list: two organizations of one authority in which everything has the same names and the same keys. What is made
// in the one is worth nothing in the other, and what ends in the one ends nothing in the other.

import { refusals } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../authority.ts'
import { castOf } from '../cast.ts'
import { inBatches, sampleOf } from './many.ts'
import { places } from './places/all.ts'
import { type Stage, setStage, stageOf } from './stage.ts'
import { changesBy } from './store_contents.ts'
import { kept, things } from './things.ts'

let here: Stage
let there: Stage

beforeAll(async () => {
  here = await setStage()
  const { authority, acme, other } = here
  const twin = await stageOf(authority, other, acme)
  // The same people's and agents' keys, under the same handles; only who issues is another.
  const enrol = async (path: string, body: object) => expect((await other.api('post', path, body)).status).toBe(201)
  await enrol(`/v1/people/${twin.ada.id}/keys`, { jwk: here.ada.key.publicJwk })
  for (const name of ['agent', 'actor', 'operator'] as const) {
    const body = { kind: 'public_key', jwk: here[name].key.publicJwk }
    await enrol(`/v1/agents/${twin[name].id}/credentials`, body)
    twin[name] = { ...twin[name], key: here[name].key }
  }
  there = { ...twin, ada: { ...twin.ada, key: here.ada.key } }
  // Here only so that what is made when it is first asked for, such as the key of cursors, is there.
  for (const stage of [here, there]) {
    for (const { name, once, forged } of things) if (!once && !forged) await kept(stage, name)
  }
})
afterAll(async () => {
  await there.stop()
  await here.stop()
})

/** Those of the installation are of no organization. */
const theirs = things.filter(({ forged, name }) => !forged && name !== 'the installation’s secret')

describe.each(places.map((place) => [place.name, place] as const))('%s', (_name, place) => {
  test('takes nothing that the other organization made', { timeout: 120_000 }, async () => {
    const texts = new Map<string, string>()
    const shown = sampleOf(theirs, 12)
    for (const { name, once, make } of shown) texts.set(name, await (once ? make(there) : kept(there, name)))
    const changes = await changesBy(here.authority, async () => {
      const wrong = await inBatches(shown, async ({ name }) => {
        const text = texts.get(name) as string
        const { taken, status, code, text: answered } = await place.offer(here, text)
        const refused = place.silent ? status === 200 : status >= 400 && status < 500
        const said = place.silent || Object.hasOwn(refusals, code ?? '')
        return !taken && refused && said && !answered.includes(text) ? [] : [{ name, taken, status, code, answered }]
      })
      expect(wrong).toEqual([])
    })
    expect(Object.keys(changes).sort()).toEqual([...place.leaves].sort())
  })
})

test('whoever is named across the border is nobody', async () => {
  const { acme, ada, agent, cast, other } = here
  const attest = (more: object) =>
    acme.api('post', '/v1/delegations', {
      delegator: ada.id,
      delegate: agent.id,
      aud: ['https://api.example/'],
      scope: 'a:read',
      ...more,
    })
  const changes = await changesBy(here.authority, async () => {
    for (const more of [
      { delegator: there.ada.id },
      { delegator: there.agent.id },
      { delegator: there.agent.clientId },
      { delegator: other.id },
      { delegate: there.agent.id },
      { delegate: there.agent.clientId },
    ]) {
      expect([more, (await attest(more)).body.code]).toEqual([
        more,
        expect.stringMatching(/^(validation_failed|delegator_unknown)$/),
      ])
    }
    const body = { audience: 'https://new.example/', name: 'New', scopes: ['a'], operator: there.operator.id }
    expect((await acme.api('post', '/v1/resources', body)).body.code).toBe('operator_unknown')
    const registered = { handle: 'new', owner: there.ada.id, purpose: 'None.' }
    expect((await acme.api('post', '/v1/agents', registered)).body.code).toBe('owner_unknown')
    for (const id of [there.agent.id, there.ada.id]) {
      expect((await acme.api('post', '/v1/revocations', { id, cause: 'spite' })).status).toBeGreaterThanOrEqual(400)
    }
    // A statement of Ada's for an agent of theirs: here it is nobody, and there it is not what they trust.
    const words = { delegate: there.agent.clientId, aud: ['https://api.example/'], scope: 'a:read' }
    const chain = await cast.delegate({ iss: ada.id, key: ada.key }, words)
    expect((await castOf(other).exchange(there.agent, chain, 'https://api.example/')).body.error_code).toBe(
      'issuer_untrusted',
    )
  })
  expect(changes).toEqual({ 'used assertion': 1, 'record token.refused': 1 })
})

test('a handle is never given again, to whomever it belonged', async () => {
  const { acme, ada, cast } = here
  const first = await cast.agent('brief', ada)
  expect((await acme.api('post', `/v1/agents/${first.id}/retire`)).status).toBe(200)
  const again = await acme.api('post', '/v1/agents', { handle: 'brief', owner: ada.id, purpose: 'Another.' })
  expect([again.status, again.body.code]).toEqual([409, 'handle_taken'])
  // In another organization it is another agent, with another identity.
  const theirs = await castOf(here.other).agent('brief', there.ada)
  expect([theirs.id === first.id, theirs.clientId === first.clientId]).toEqual([false, false])
})

test('an organization that is stopped takes nothing of the other with it', { timeout: 120_000 }, async () => {
  const { authority, other } = here
  const stop = await call(
    authority.installationSecret,
    'post',
    `${authority.origin}/v1/organizations/${other.id}/suspend`,
    {},
  )
  expect(stop.status).toBe(200)
  for (const place of places.filter(({ consumes }) => !consumes)) {
    for (const thing of things.filter(({ name }) => place.takes.includes(name))) {
      const { taken } = await place.offer(here, await (thing.once ? thing.make(here) : kept(here, thing.name)))
      expect([place.name, thing.name, taken]).toEqual([place.name, thing.name, true])
    }
  }
})
