// A29 of the attack list: what ends while a verifier waits for something else is not let in once that has come.

import { AgentKey, createAgent } from '@credence/sdk'
import { createVerifier, type Expected, type Verifier } from '@credence/sdk/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearerCall } from '../../sdks/typescript/test/calls.ts'
import { FakeIssuer } from '../../sdks/typescript/test/fake_issuer.ts'
import { ManualClock, until } from '../../sdks/typescript/test/manual_clock.ts'
import { claimsIn } from '../cast.ts'
import { api, type Stage, setStage } from './stage.ts'

let stage: Stage
let verifier: Verifier
/** What is asked for now and not yet answered: who waits, and what lets them go on. */
let gate: { at: RegExp; reached: () => void; open: Promise<void> } | undefined

beforeAll(async () => {
  stage = await setStage()
  const { acme, operator } = stage
  const key = await AgentKey.generate()
  await acme.api('post', `/v1/agents/${operator.id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
  verifier = createVerifier({
    resource: api,
    issuers: [
      { issuer: acme.issuer, operator: createAgent({ issuer: acme.issuer, clientId: operator.clientId, key }) },
    ],
    async fetch(input, init) {
      if (gate?.at.test(String(input))) {
        gate.reached()
        await gate.open
      }
      return fetch(input, init)
    },
  })
  await verifier.ready()
})
afterAll(async () => {
  await verifier.stop()
  await stage.stop()
})

const never = /never/
const waits: Record<string, { at: RegExp; needs(wait: () => Promise<void>): Expected | (() => Promise<Expected>) }> = {
  'for a statement of its chain': { at: /\/statements\//, needs: () => ({ chain: 'prove' }) },
  'for the key of a delegator': { at: /\/delegator-keys/, needs: () => ({ chain: 'prove' }) },
  'for what the call is about': {
    at: never,
    needs: (wait) => async () => {
      await wait()
      return {}
    },
  },
}
const ends: Record<string, (token: string) => string> = {
  'the token': (token) => claimsIn(token).jti,
  'a delegation it rests on': (token) => claimsIn(token).lineage.find(([id]: [string]) => id.startsWith('dlg_'))[0],
}

const cases = Object.keys(waits).flatMap((wait) => Object.keys(ends).map((end) => [end, wait] as const))

test.each(cases)('%s ends while a call waits %s', async (end, wait) => {
  // Another chain each time: what was proven once is not asked for again.
  const { acme, agent, cast } = stage
  const person = await cast.person('Bea', [{ resource: api, scope: 'a:read' }])
  const chain = await cast.delegate(
    { iss: person.id, key: person.key },
    { delegate: agent.clientId, aud: [api], scope: 'a:read' },
  )
  const { body } = await cast.ask(agent, exchangeOf(chain), { bearer: true })
  const token: string = body.access_token
  const { at, needs } = waits[wait] as (typeof waits)[string]
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: open, resolve: release } = Promise.withResolvers<void>()
  gate = { at, reached: reach, open }
  const inside = async () => {
    reach()
    await open
  }
  const headers = new Headers({ authorization: `Bearer ${token}` })
  const call = () => verifier.verify({ method: 'GET', url: `${api}x`, headers }, needs(inside))
  const verdict = call()
  await reached
  const ended = await acme.api('post', '/v1/revocations', {
    id: (ends[end] as (typeof ends)[string])(token),
    cause: 'test',
  })
  await expect.poll(() => verifier.state().issuers[acme.issuer]?.seq).toBeGreaterThanOrEqual(ended.body.fact.seq)
  release()
  expect(await verdict).toMatchObject({ ok: false, refusal: { code: 'revoked' } })
  expect(await call()).toMatchObject({ ok: false, refusal: { code: 'revoked' } })
})

test('a token ends while the authority is asked whether it is alive, because the lease is over', async () => {
  const clock = new ManualClock()
  const issuer = await FakeIssuer.open(clock)
  issuer.whenStale = 'introspect'
  let asked = false
  const { promise: open, resolve: release } = Promise.withResolvers<void>()
  const agent = await issuer.operator()
  const operator = {
    issuer: agent.issuer,
    fetch: (...call: Parameters<typeof agent.fetch>) => agent.fetch(...call),
    async introspect(token: string) {
      const answer = await agent.introspect(token)
      asked = true
      await open
      return answer
    },
  }
  const issuers = [{ issuer: issuer.issuer, operator }]
  const own = createVerifier({ resource: issuer.resource, issuers, ...issuer.runtime })
  await own.ready()
  const token = await issuer.token()
  issuer.leaseMs = 0
  for (const stream of issuer.streams) stream.end()
  await clock.advance(10_100)
  const verdict = own.verify(bearerCall(token))
  await until(() => asked)
  issuer.leaseMs = 10_000
  await issuer.revoke(claimsIn(token).jti)
  await clock.advance(60_000)
  release()
  expect(await verdict).toMatchObject({ ok: false, refusal: { code: 'revoked' } })
  await own.stop()
})

function exchangeOf(chain: string[]): Record<string, string> {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: chain[0] as string,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: api,
  }
}
