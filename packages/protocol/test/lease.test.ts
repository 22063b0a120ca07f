import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../src/revocation/batch.ts'
import { FeedState } from '../src/revocation/lease.ts'
import type { Fact } from '../src/revocation/revocation_map.ts'
import { outcome } from './outcome.ts'

const issuer = 'https://id.example.com'
const lease = 1000

function batch(words: Partial<Batch>): Batch {
  const to = words.to ?? words.head ?? 0
  return {
    iss: issuer,
    org: 'org_x',
    incarnation: 1,
    after: to,
    to,
    head: to,
    facts: [],
    at_ms: 0,
    lease_ms: lease,
    ...words,
  }
}

function fact(seq: number): Fact {
  return { seq, id: `id_${seq}`, epoch: 1, cause: 'test', at_ms: 0, forget_after: 9 }
}

/** Calibrated at our 0 = the authority's 10,000, with an answer that took no time. */
function calibrated(options = {}): FeedState {
  const feed = new FeedState({ issuer, ...options })
  feed.calibrate({ sentAtMonotonicMs: 0, nonce: 'n', batch: batch({ nonce: 'n', at_ms: 10_000 }) })
  return feed
}

describe('the lease', () => {
  test('there is none before a timed round trip, nor before the feed is whole', () => {
    const feed = new FeedState({ issuer })
    expect(feed.receive(batch({ at_ms: 10_000 }), 0)).toBe('applied')
    expect([feed.isFresh(0), feed.isCalibrated]).toEqual([false, false])

    const paging = calibrated()
    expect(paging.receive(batch({ after: 0, to: 2, head: 3, facts: [fact(1), fact(2)], at_ms: 10_000 }), 1)).toBe(
      'applied',
    )
    expect([paging.isFresh(1), paging.cursor, paging.head]).toEqual([false, 2, 3])
    expect(paging.receive(batch({ after: 2, to: 3, head: 3, facts: [fact(3)], at_ms: 10_000 }), 2)).toBe('applied')
    expect([paging.isFresh(2), paging.freshUntil()]).toEqual([true, lease])
  })

  test('is over `lease_ms` after the batch was made, however long it was on its way', () => {
    const feed = calibrated()
    feed.receive(batch({ at_ms: 10_400 }), 900)
    expect(feed.freshUntil()).toBe(400 + lease)
    expect([feed.isFresh(1399), feed.isFresh(1400)]).toEqual([true, false])
  })

  test('a round trip that took long counts all of it as age', () => {
    const feed = new FeedState({ issuer })
    const answer = batch({ nonce: 'n', at_ms: 10_000 })
    feed.calibrate({ sentAtMonotonicMs: 0, nonce: 'n', batch: answer })
    feed.receive(answer, 700)
    expect(feed.freshUntil()).toBe(lease)
  })

  test('an authority’s clock that runs ahead makes nothing fresher than its receipt, and hides no later delay', () => {
    const feed = calibrated()
    feed.receive(batch({ at_ms: 10_000 + 1_500 }), 100)
    expect(feed.freshUntil()).toBe(100 + lease)
    // Made at our 200 by the clock as it is now, received at 800.
    feed.receive(batch({ at_ms: 10_000 + 1_500 + 100 }), 800)
    expect(feed.freshUntil()).toBe(200 + lease)
  })

  test('a clock that jumped ahead makes nothing fresh until a new round trip', () => {
    const feed = calibrated()
    feed.receive(batch({ at_ms: 10_100 }), 100)
    const ahead = 10_000 + 3_600_000
    for (const now of [300, 600, 900]) feed.receive(batch({ at_ms: ahead + now }), now)
    expect([feed.freshUntil(), feed.isCalibrated]).toEqual([100 + lease, false])
    feed.calibrate({ sentAtMonotonicMs: 1_000, nonce: 'm', batch: batch({ nonce: 'm', at_ms: ahead + 1_050 }) })
    feed.receive(batch({ at_ms: ahead + 1_100 }), 1_200)
    expect(feed.freshUntil()).toBe(1_050 + lease)
  })

  test('an answer that was overtaken by the answer to a later question ties nothing', () => {
    const feed = calibrated()
    const trip = (sentAtMonotonicMs: number, nonce: string, at_ms: number) =>
      feed.calibrate({ sentAtMonotonicMs, nonce, batch: batch({ nonce, at_ms }) })
    trip(2_000, 'later', 7_000)
    trip(1_500, 'earlier', 11_500)
    feed.receive(batch({ at_ms: 7_010 }), 2_900)
    expect(feed.freshUntil()).toBe(2_010 + lease)
  })

  test('a clock that went back makes the feed stale until a new round trip', () => {
    const feed = calibrated()
    feed.receive(batch({ at_ms: 10_100 }), 100)
    feed.receive(batch({ at_ms: 5_000 }), 200)
    expect(feed.freshUntil()).toBe(100 + lease)
    feed.calibrate({ sentAtMonotonicMs: 2000, nonce: 'm', batch: batch({ nonce: 'm', at_ms: 7_000 }) })
    feed.receive(batch({ at_ms: 7_010 }), 2020)
    expect(feed.freshUntil()).toBe(2010 + lease)
  })

  test('a batch played again extends nothing', () => {
    const feed = calibrated()
    const one = batch({ at_ms: 10_050 })
    feed.receive(one, 60)
    feed.receive(one, 1000)
    expect(feed.freshUntil()).toBe(50 + lease)
  })

  test('comes with what holds once it is over, for its own resource, until the next', () => {
    const resource = 'https://api.example.com'
    const feed = calibrated({ resource })
    expect(feed.staleTerms).toEqual({ whenStale: 'refuse', harmlessScopes: [] })
    const reads = { when_stale: 'harmless_reads', harmless_scopes: ['a:read'] } as const
    feed.receive(batch({ at_ms: 10_000, resource, ...reads, harmless_scopes: ['a:read'] }), 0)
    expect(feed.staleTerms).toEqual({ whenStale: 'harmless_reads', harmlessScopes: ['a:read'] })
    const { lease_ms: _, ...everybodys } = batch({ at_ms: 10_001 })
    feed.receive(everybodys, 1)
    expect(feed.staleTerms.whenStale).toBe('harmless_reads')
    feed.receive(batch({ at_ms: 10_002 }), 2)
    expect(feed.staleTerms.whenStale).toBe('harmless_reads')
    feed.receive(batch({ at_ms: 10_003, resource }), 3)
    expect(feed.staleTerms).toEqual({ whenStale: 'refuse', harmlessScopes: [] })
  })

  test('is the shorter of what is granted and what the verifier allows; of another resource it is none', async () => {
    const shorter = calibrated({ leaseMs: 300 })
    shorter.receive(batch({ at_ms: 10_000 }), 0)
    expect(shorter.freshUntil()).toBe(300)

    const resource = 'https://api.example.com'
    const named = calibrated({ resource })
    named.receive(batch({ at_ms: 10_000 }), 0)
    expect(named.isFresh(0)).toBe(false)
    named.receive(batch({ at_ms: 10_000, resource }), 0)
    expect(named.freshUntil()).toBe(lease)
    const lax = batch({ at_ms: 10_000, resource: 'https://lax.example.com', lease_ms: 86_400_000 })
    expect(await outcome(() => named.receive(lax, 0))).toBe('feed_invalid')

    const { lease_ms: _, ...cacheable } = batch({ at_ms: 10_000 })
    const own = calibrated({ resource, leaseMs: 400 })
    own.receive(cacheable, 0)
    expect(own.freshUntil()).toBe(400)
  })
})

describe('the feed', () => {
  test('a gap keeps the facts, moves nothing on, and makes nothing fresh', () => {
    const feed = calibrated()
    expect(feed.receive(batch({ after: 2, to: 3, head: 3, facts: [fact(3)], at_ms: 10_010 }), 10)).toBe('gap')
    expect([feed.cursor, feed.isFresh(10), feed.map.deadBy([['id_3', 0]])]).toEqual([0, false, 'id_3'])
    expect(feed.receive(batch({ to: 3, head: 3, at_ms: 10_020 }), 20)).toBe('gap')
    expect(feed.receive(batch({ after: 0, to: 3, head: 3, facts: [fact(1)], at_ms: 10_030 }), 30)).toBe('applied')
    expect([feed.cursor, feed.freshUntil()]).toEqual([3, 30 + lease])
  })

  test('a lower head or incarnation is refused and changes nothing', async () => {
    const feed = calibrated()
    feed.receive(batch({ incarnation: 2, after: 0, to: 5, head: 5, facts: [fact(5)], at_ms: 10_000 }), 0)
    const before = JSON.stringify([feed.map, feed.cursor, feed.head, feed.incarnation, feed.freshUntil()])
    for (const older of [
      { incarnation: 2, head: 4 },
      { incarnation: 1, head: 9 },
    ]) {
      const rolledBack = batch({ ...older, after: 0, to: 4, facts: [fact(4)], at_ms: 10_900 })
      expect(await outcome(() => feed.receive(rolledBack, 900))).toBe('feed_rolled_back')
    }
    expect(JSON.stringify([feed.map, feed.cursor, feed.head, feed.incarnation, feed.freshUntil()])).toBe(before)
  })

  test('a higher incarnation keeps what has ended and starts again at 0', () => {
    const feed = calibrated()
    feed.receive(batch({ after: 0, to: 5, head: 5, facts: [fact(5)], at_ms: 10_000 }), 0)
    expect(feed.receive(batch({ incarnation: 2, to: 3, head: 3, at_ms: 10_100 }), 100)).toBe('gap')
    expect([feed.cursor, feed.incarnation, feed.freshUntil()]).toEqual([0, 2, lease])
    expect(feed.map.deadBy([['id_5', 0]])).toBe('id_5')
    expect(feed.receive(batch({ incarnation: 2, after: 0, to: 3, head: 3, at_ms: 10_200 }), 200)).toBe('applied')
    expect([feed.cursor, feed.freshUntil()]).toEqual([3, 200 + lease])
  })

  test('facts without an end are refused, and what was known holds for its lease', async () => {
    const feed = calibrated({ mostFacts: 3 })
    feed.receive(batch({ after: 0, to: 2, head: 2, facts: [fact(1), fact(2)], at_ms: 10_000 }), 0)
    const more = batch({ after: 2, to: 4, head: 4, facts: [fact(3), fact(4)], at_ms: 10_500 })
    expect(await outcome(() => feed.receive(more, 500))).toBe('feed_invalid')
    expect([feed.map.size, feed.cursor, feed.freshUntil()]).toEqual([2, 2, lease])
  })

  test('the organization that an issuer names first is the one it speaks for', async () => {
    const feed = calibrated()
    feed.receive(batch({ at_ms: 10_000 }), 0)
    const other = batch({ org: 'org_y', to: 1, head: 1, facts: [fact(1)], at_ms: 10_100 })
    expect(await outcome(() => feed.receive(other, 100))).toBe('feed_invalid')
    expect([feed.map.size, feed.freshUntil()]).toEqual([0, lease])
  })

  test('another issuer’s or organization’s batch is refused, and a round trip needs the nonce it was sent with', async () => {
    const feed = new FeedState({ issuer, organization: 'org_x' })
    expect(await outcome(() => feed.receive(batch({ iss: 'https://other.example.com' }), 0))).toBe('issuer_untrusted')
    expect(await outcome(() => feed.receive(batch({ org: 'org_y' }), 0))).toBe('feed_invalid')
    for (const nonce of ['', 'other']) {
      const trip = { sentAtMonotonicMs: 0, nonce, batch: nonce === '' ? batch({}) : batch({ nonce: 'n' }) }
      expect(await outcome(() => feed.calibrate(trip))).toBe('feed_invalid')
    }
  })

  test('neither clock alone can make it forget', () => {
    const feed = calibrated()
    feed.receive(batch({ after: 0, to: 1, head: 1, facts: [{ ...fact(1), forget_after: 1000 }], at_ms: 900_000 }), 0)
    feed.forget(1e9)
    expect(feed.map.size).toBe(1)
    feed.receive(batch({ to: 1, head: 1, at_ms: 9e12 }), 0)
    feed.forget(1000)
    expect(feed.map.size).toBe(1)
    feed.forget(2000)
    expect(feed.map.size).toBe(0)
  })
})

// A whole authority and a network, played on one true time line. Our monotonic clock is the true time.
type Step =
  | { do: 'wait'; ms: number }
  | { do: 'revoke' }
  | { do: 'send'; delay: number; from: number; short: number }
  | { do: 'connect'; out: number; back: number }
  | { do: 'jump'; ms: number }
  | { do: 'restore' }
  | { do: 'restart' }
  | { do: 'replay'; which: number }

const steps = (jumps: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(600) }) },
      { weight: 3, arbitrary: fc.constant({ do: 'revoke' as const }) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('send' as const),
          delay: fc.nat(1500),
          from: fc.nat(3),
          short: fc.nat(1),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), out: fc.nat(400), back: fc.nat(400) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: jumps }) },
      { weight: 1, arbitrary: fc.constant({ do: 'restore' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('replay' as const), which: fc.nat(20) }) },
    ),
    { minLength: 5, maxLength: 60 },
  )

/**
 * Plays the steps and, at every moment something happens, hands `check` what was true. `unseen`: the true time since which something has
 * ended that the verifier does not know of; `moved`: how far the authority's clock was ever moved, all in all.
 */
function play(
  script: Step[],
  check: (moment: { now: number; fresh: boolean; unseen: number; moved: number }) => void,
): void {
  let now = 0
  let clock = 1_000_000
  let moved = 0
  let incarnation = 1
  let log: Fact[] = []
  const ended: Array<{ id: string; at: number }> = []
  let feed = new FeedState({ issuer })
  let wire: Array<{ arrives: number; batch: Batch }> = []
  const seen: Batch[] = []
  let names = 0

  const made = (after: number, words: Partial<Batch> = {}, short = 0): Batch => {
    const head = log.length
    const from = Math.min(after, head)
    // A page that stops short of the head, now and then.
    const to = Math.max(from, head - short)
    return batch({ incarnation, after: from, to, head, facts: log.slice(from, to), at_ms: now + clock, ...words })
  }
  const look = () => {
    const unseen = ended.find(({ id }) => feed.map.deadBy([[id, 0]]) === undefined)
    check({ now, fresh: feed.isFresh(now), unseen: unseen?.at ?? Number.POSITIVE_INFINITY, moved })
  }
  const take = (one: Batch) => {
    seen.push(one)
    try {
      feed.receive(one, now)
    } catch {
      // Rolled back or from before a restore: refused, and nothing may have changed for it.
    }
    look()
  }
  const advance = (ms: number) => {
    for (const until = now + ms; now < until; ) {
      const [next] = wire.filter(({ arrives }) => arrives <= until).sort((a, b) => a.arrives - b.arrives)
      // One millisecond before the lease is over and the moment it is over are looked at as well.
      const edges = [feed.freshUntil() - 1, feed.freshUntil()].filter((edge) => edge > now && edge <= until)
      const to = Math.min(until, next?.arrives ?? until, ...edges)
      now = Math.max(now, to)
      if (next && next.arrives <= now) {
        wire = wire.filter((message) => message !== next)
        take(next.batch)
      } else look()
    }
  }

  for (const step of script) {
    if (step.do === 'wait') advance(step.ms)
    else if (step.do === 'jump') {
      clock = Math.max(step.ms + clock, 0)
      moved += Math.abs(step.ms)
    } else if (step.do === 'revoke') {
      const id = `id_${++names}`
      log.push({ ...fact(log.length + 1), id })
      ended.push({ id, at: now })
    } else if (step.do === 'send') {
      wire.push({ arrives: now + step.delay, batch: made(Math.max(0, feed.cursor - step.from), {}, step.short) })
    } else if (step.do === 'restore') {
      // A restore that raises the incarnation; the ends of the old one are made again from the audit log, under new numbers.
      incarnation++
      log = [...log].reverse().map((one, place) => ({ ...one, seq: place + 1 }))
    } else if (step.do === 'restart') {
      feed = new FeedState({ issuer })
      wire = []
      look()
    } else if (step.do === 'replay') {
      const old = seen[step.which % Math.max(seen.length, 1)]
      if (old) take(old)
    } else {
      // A new connection: what was under way on the old one is lost.
      wire = []
      const sentAtMonotonicMs = now
      const nonce = `n${sentAtMonotonicMs}`
      advance(step.out)
      const answer = made(feed.cursor, { nonce })
      advance(step.back)
      feed.calibrate({ sentAtMonotonicMs, nonce, batch: answer })
      take(answer)
    }
  }
  advance(3 * lease)
}

describe('whatever the interleaving of delays, gaps, restores, restarts, replays and clock jumps', () => {
  const numRuns = process.env.CREDENCE_LONG ? 50_000 : 1_000

  test('a fresh verifier knows all that ended a lease ago, while the authority’s clock is not moved', () => {
    let everFresh = 0
    fc.assert(
      fc.property(steps(fc.constant(0)), (script) => {
        play(script, ({ now, fresh, unseen }) => {
          if (!fresh) return
          everFresh++
          expect(unseen).toBeGreaterThan(now - lease)
        })
      }),
      { numRuns },
    )
    expect(everFresh).toBeGreaterThan(numRuns)
  }, 300_000)

  test('a clock that is moved costs at most how far it was moved', () => {
    fc.assert(
      fc.property(steps(fc.integer({ min: -2000, max: 2000 })), (script) => {
        play(script, ({ now, fresh, unseen, moved }) => {
          if (fresh) expect(unseen).toBeGreaterThan(now - lease - moved)
        })
      }),
      { numRuns },
    )
  }, 300_000)

  test('a clock that is moved by far more than anything takes costs nothing', () => {
    fc.assert(
      fc.property(steps(fc.integer({ min: -30, max: 30 }).map((tens) => tens * 10_000)), (script) => {
        play(script, ({ now, fresh, unseen }) => {
          if (fresh) expect(unseen).toBeGreaterThan(now - lease)
        })
      }),
      { numRuns },
    )
  }, 300_000)

  test('and never makes a verifier fresh that has received nothing for a lease', () => {
    fc.assert(
      fc.property(steps(fc.integer({ min: -100_000, max: 100_000 })), fc.nat(lease), (script, late) => {
        const feed = new FeedState({ issuer })
        let last = Number.NEGATIVE_INFINITY
        let now = 0
        for (const step of script) {
          if (step.do === 'wait') now += step.ms
          if (step.do === 'connect')
            feed.calibrate({
              sentAtMonotonicMs: now,
              nonce: 'n',
              batch: batch({ nonce: 'n', at_ms: 200_000 + step.out }),
            })
          if (step.do === 'jump' || step.do === 'send') {
            feed.receive(batch({ at_ms: 200_000 + now + (step.do === 'jump' ? step.ms : 0) }), now)
            last = now
          }
          expect(feed.freshUntil()).toBeLessThanOrEqual(last + lease)
          expect(feed.isFresh(last + lease + late)).toBe(false)
        }
      }),
      { numRuns },
    )
  }, 300_000)
})
