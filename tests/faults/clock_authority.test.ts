// F21 at a running authority: its wall clock jumps, and nothing that had ended, expired or been used up comes back; nobody is said to
// know what it does not know.

import { newId, signClientAssertion } from '@credence/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { steadyClock } from '../../packages/authority/src/steady_clock.ts'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, claimsIn, post } from '../cast.ts'
import { openPoint, registerOperator } from '../revocation/enforcement_point.ts'
import { Chance, newSeed } from './chance.ts'
import { isLong } from './rounds.ts'

const audience = 'https://other.example/'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const hour = 3_600_000

/** The machine's clocks, as a test sets them beside the real ones. */
const machine = { wallAheadMs: 0, passedMs: 0 }
const wallMs = () => Date.now() + machine.wallAheadMs
const clock = { nowMs: wallMs, monotonicMs: () => performance.now() + machine.passedMs }
/** What those see who have seen every jump: the authority's clients go by it too. */
const time = steadyClock(clock)

let authority: TestAuthority
let acme: TestOrganization
let cast: Cast
let agent: Agent
let operator: Agent

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'], clock, settings: { failuresPerMinute: 0 } })
  acme = authority.organizations.acme as TestOrganization
  cast = castOf(acme)
  const ada = await cast.person('Ada')
  const may = { capabilities: ['repo:read'], permissions: [{ resource: audience, scope: 'repo:read' }] }
  agent = await cast.agent('worker', ada, may)
  operator = await cast.agent('operator', ada)
  await cast.resource(audience, ['repo:read'], { operator: operator.id, proof_mode: 'optional' })
})
afterAll(() => authority?.stop())

test('an enforcement point that has not acknowledged is waited for, wherever the clock jumped', async () => {
  const api = await registerOperator(acme, 'api')
  const point = await openPoint(api)
  await point.until(() => point.batches.length > 0)
  for (const jump of [hour, 24 * hour, -25 * hour, -hour]) {
    machine.wallAheadMs += jump
    time.nowMs()
    const { body } = await acme.api('post', '/v1/revocations', { id: newId('tok'), cause: 'test' })
    expect(body.acknowledged).toMatchObject({ points: 0, of: 1, all: false, by_ms: null })
  }
  machine.wallAheadMs = 0
  await point.stop()
})

test('what is dead stays dead, and what was used up stays used up', {
  timeout: isLong ? 600_000 : 60_000,
}, async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const tokens: Array<{ compact: string; jti: string; exp: number; dead: boolean }> = []
  const used: string[] = []
  const look = () => {
    now = Math.floor(time.nowMs() / 1_000)
  }
  let now = 0
  const assertionOf = (one: Agent) =>
    signClientAssertion(one.key, { clientId: one.clientId, issuer: acme.issuer, now, lifetime: 300 })
  const ask = (client_assertion: string) => {
    const grant = { grant_type: 'client_credentials', resource: audience }
    const form = new URLSearchParams({ client_assertion, client_assertion_type: assertionType, ...grant })
    return post(`${acme.issuer}/token`, form)
  }
  for (let turn = 0; turn < (isLong ? 600 : 20); turn++) {
    const what = chance.next()
    if (what < 0.3) machine.wallAheadMs += chance.pick([-3 * hour, -hour, -60_000, -1_000, 1_000, 60_000, hour])
    else if (what < 0.45) {
      const ms = Math.floor(chance.between(0, 5 * 60_000))
      machine.wallAheadMs += ms
      machine.passedMs += ms
    }
    look()
    const assertion = await assertionOf(agent)
    const { status, body } = await ask(assertion)
    expect([status, body.error_code], `FAULT_SEED=${seed}`).toEqual([200, undefined])
    const { jti, exp } = claimsIn(body.access_token)
    tokens.push({ compact: body.access_token, jti, exp, dead: false })
    used.push(assertion)
    if (chance.next() < 0.4) {
      const one = chance.pick(tokens)
      const { status } = await acme.api('post', '/v1/revocations', { id: one.jti, cause: 'test' })
      expect(status).toBe(200)
      one.dead = true
    }
    expect((await ask(chance.pick(used))).status, `FAULT_SEED=${seed}, turn ${turn}`).toBe(401)
    for (const one of tokens.slice(-12)) {
      look()
      const form = new URLSearchParams({
        client_assertion: await assertionOf(operator),
        client_assertion_type: assertionType,
        token: one.compact,
      })
      const { active } = (await post(`${acme.issuer}/introspect`, form)).body
      expect(typeof active, `FAULT_SEED=${seed}, turn ${turn}`).toBe('boolean')
      if (!active) one.dead = true
      else expect([one.dead, one.exp > now - 6], `FAULT_SEED=${seed}, turn ${turn}`).toEqual([false, true])
    }
  }
})
