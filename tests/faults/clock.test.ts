// F21: clocks that jump, at the authority, at the verifier, at both. Expiry goes by a time that never falls, freshness by the
// monotonic clock, and nothing that is deleted for its age was young.

import { FeedState, newId } from '@credence/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { steadyClock } from '../../packages/authority/src/steady_clock.ts'
import { SteadyTime } from '../../sdks/typescript/src/verifier/steady_time.ts'
import { isLong } from './rounds.ts'

const leaseMs = 10_000
const tolerance = 5
const issuer = 'https://credence.example/o/acme'
const org = newId('org')

type Step =
  | { do: 'pass'; ms: number }
  | { do: 'jump'; who: Array<'authority' | 'verifier'>; ms: number }
  | { do: 'issue'; seconds: number }
  | { do: 'revoke' | 'hear' | 'connect' | 'forget' | 'sweep' | 'restart' }

const hour = 3_600_000
/** Facts are kept for 1,200 s, tokens live for 900 s at most, and are honoured a few seconds longer. */
const factsOutlastTokensMs = 290_000
const who = fc.constantFrom<Array<'authority' | 'verifier'>>(['authority'], ['verifier'], ['authority', 'verifier'])
const far = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map((hours) => hours * hour),
  fc.constantFrom(-20_000, 20_000),
)
const leap = fc.constantFrom(-1_000, 1_000)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(9_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(30 * 60_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('jump' as const), who, ms: fc.oneof(far, far, leap) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('issue' as const), seconds: fc.integer({ min: 60, max: 900 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('revoke' as const, 'hear' as const, 'restart' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('connect' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('forget' as const, 'sweep' as const) }) },
)
/** After some of them the verifier is called, and only then does it look at its clock. */
const steps = fc.array(fc.record({ step, call: fc.boolean() }), { minLength: 8, maxLength: 60 })

type Token = { id: string; iat: number; exp: number; endedAt: number | undefined }

/** Plays the steps; at each call, `check` sees every token that the verifier would let pass. */
function play(
  script: Array<{ step: Step; call: boolean }>,
  check: (accepted: Token, seen: { now: number; latest: number; leapt: number }) => void,
) {
  let now = 0
  let leapt = 0
  let latest = 0
  const ahead = { authority: 1_800_000_000_000, verifier: 1_800_000_000_000 }
  const wall = (whose: keyof typeof ahead) => ({
    nowMs: () => Math.floor(now + ahead[whose]),
    monotonicMs: () => now,
    after: () => () => {},
  })
  const authority = steadyClock(wall('authority'))
  let feed = new FeedState({ issuer, leaseMs })
  let time = new SteadyTime(wall('verifier'))
  const tokens: Token[] = []
  let facts: Array<{ seq: number; id: string; epoch: number; cause: string; at_ms: number; forget_after: number }> = []
  let head = 0

  const batch = () => {
    const common = { iss: issuer, org, incarnation: 1, at_ms: authority.nowMs(), head, to: head }
    return { ...common, after: Math.min(feed.cursor, head), facts: facts.filter(({ seq }) => seq > feed.cursor) }
  }
  const take = (step: Step) => {
    if (step.do === 'pass') now += step.ms
    else if (step.do === 'jump') {
      for (const whose of step.who) ahead[whose] += step.ms
      if (Math.abs(step.ms) <= 1_000) leapt += Math.abs(step.ms)
    } else if (step.do === 'issue') {
      const iat = Math.floor(authority.nowMs() / 1_000)
      tokens.push({ id: `tok_${tokens.length}`, iat, exp: iat + step.seconds, endedAt: undefined })
    } else if (step.do === 'revoke') {
      const token = tokens.findLast(({ endedAt }) => endedAt === undefined)
      if (!token) return
      token.endedAt = now
      const at_ms = authority.nowMs()
      facts.push({
        seq: ++head,
        id: token.id,
        epoch: 1,
        cause: 'test',
        at_ms,
        forget_after: Math.ceil(at_ms / 1_000) + 1_200,
      })
    } else if (step.do === 'hear') feed.receive(batch(), now)
    else if (step.do === 'connect') {
      const answer = { ...batch(), nonce: `n${now}` }
      feed.calibrate({ sentAtMonotonicMs: now, nonce: answer.nonce, batch: answer })
      feed.receive(answer, now)
    } else if (step.do === 'forget') feed.forget(time.now())
    else if (step.do === 'sweep') {
      const settled = Math.floor(authority.settledMs() / 1_000)
      facts = facts.filter(({ forget_after }) => forget_after >= settled)
    } else if (step.do === 'restart') {
      // What it knew is gone; the authority tells it again what still matters.
      feed = new FeedState({ issuer, leaseMs })
      // Not promised: a machine that starts further behind the authority than facts outlast their tokens takes for valid what has expired.
      const behindMs = authority.nowMs() - wall('verifier').nowMs()
      if (behindMs > factsOutlastTokensMs) ahead.verifier += behindMs
      time = new SteadyTime(wall('verifier'))
      latest = 0
    }
  }

  for (const { step, call } of script) {
    take(step)
    if (!call) continue
    const at = time.now()
    latest = Math.max(latest, at, Math.floor(wall('verifier').nowMs() / 1_000))
    for (const token of tokens) {
      const inTime = at < token.exp + tolerance && token.iat <= at + tolerance
      if (inTime && feed.isFresh(now) && feed.map.deadBy([[token.id, 0]]) === undefined)
        check(token, { now, latest, leapt })
    }
  }
}

test('whatever jumps: what is accepted has not ended, and expires after the latest time that was seen', {
  timeout: 300_000,
}, () => {
  let accepted = 0
  fc.assert(
    fc.property(steps, (script) => {
      play(script, (token, { now, latest, leapt }) => {
        accepted += 1
        expect(token.exp + tolerance).toBeGreaterThan(latest)
        if (token.endedAt !== undefined) expect(now - token.endedAt).toBeLessThan(leaseMs + leapt + 1)
      })
    }),
    { numRuns: isLong ? 100_000 : 10_000 },
  )
  expect(accepted).toBeGreaterThan(100)
})
