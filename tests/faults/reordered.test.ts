// F15: events lost, repeated and out of order, as the SDK's own follower takes them. Whatever came how: what it lets pass had not
// ended a lease ago, nothing that had ended comes back, and the next heartbeat finds what is missing, the last event too.

import type { Batch } from '@credence/protocol'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import { afterEach, expect, test } from 'vitest'
import { bearerCall } from '../../sdks/typescript/test/calls.ts'
import { FakeIssuer } from '../../sdks/typescript/test/fake_issuer.ts'
import { ManualClock, moment } from '../../sdks/typescript/test/manual_clock.ts'
import { Chance, newSeed } from './chance.ts'
import { isLong } from './rounds.ts'

const runs = isLong ? 10_000 : 150
const seed = newSeed()
let verifier: Verifier | undefined

afterEach(() => verifier?.stop())

test(`${runs} orders of the same events`, { timeout: runs * 2_000 }, async () => {
  let refusedLate = 0
  for (let run = 0; run < runs; run++) {
    const chance = new Chance(seed + run)
    refusedLate += await play(chance).catch((error: unknown) => {
      throw new Error(`FAULT_SEED=${seed + run}, run 0`, { cause: error })
    })
    await verifier?.stop()
  }
  // Not every order is the right one.
  expect(refusedLate).toBeGreaterThan(0)
})

type Ended = { token: string; id: string; atMs: number }

/** @returns how many had ended when a call with them was still let through, which for a lease may happen. */
async function play(chance: Chance): Promise<number> {
  const clock = new ManualClock()
  const issuer = await FakeIssuer.open(clock)
  const operator = await issuer.operator()
  verifier = createVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator }],
    ...issuer.runtime,
  })
  await verifier.ready()
  const follower = verifier
  const verdictOf = async (token: string) => {
    const verdict = await follower.verify(bearerCall(token), { scope: 'ledger:read' })
    return verdict.ok ? 'permitted' : verdict.refusal.code
  }

  const ended: Ended[] = []
  const events: Batch[] = []
  const count = 2 + Math.floor(chance.next() * 8)
  for (let n = 0; n < count; n++) {
    const claims = await issuer.claims()
    const token = await issuer.token(claims)
    clock.pass(Math.ceil(chance.between(0, 1_500)))
    if (chance.next() < 0.3) events.push(issuer.batch(issuer.head))
    const id = chance.pick([claims.jti, claims.agent])
    await issuer.revoke(id, { missed: true })
    ended.push({ token, id, atMs: clock.monotonicMs() })
    events.push(issuer.batch(Math.max(0, issuer.head - 1 - Math.floor(chance.next() * 3))))
  }

  let late = 0
  const dead = new Set<string>()
  for (const event of shuffled(events, chance)) {
    await issuer.tell(event)
    clock.pass(Math.floor(chance.between(0, 900)))
    for (const { token, atMs } of ended) {
      const verdict = await verdictOf(token)
      if (verdict === 'permitted') {
        late += 1
        expect(dead.has(token)).toBe(false)
        expect(clock.monotonicMs() - atMs).toBeLessThan(issuer.leaseMs)
      } else if (verdict === 'revoked') dead.add(token)
    }
  }
  // Wherever it stands by now: heartbeats, as they come each second, say how much there is.
  const hasAll = () => follower.state().ready && follower.state().issuers[issuer.issuer]?.seq === issuer.head
  for (let beat = 0; beat < 50 && !hasAll(); beat++) {
    await issuer.heartbeat()
    await moment()
    if (!hasAll()) await clock.advance(1_000)
  }
  for (const { token } of ended) expect(await verdictOf(token)).toBe('revoked')
  expect(await verdictOf(await issuer.token())).toBe('permitted')
  return late
}

/** Some lost, the last of all often; some twice; in any order. */
function shuffled(events: Batch[], chance: Chance): Batch[] {
  const kept = events.filter((_, place) => chance.next() > (place === events.length - 1 ? 0.5 : 0.2))
  const twice = kept.flatMap((event) => (chance.next() < 0.25 ? [event, event] : [event]))
  return twice
    .map((event) => ({ event, place: chance.next() }))
    .sort((one, other) => one.place - other.place)
    .map(({ event }) => event)
}
