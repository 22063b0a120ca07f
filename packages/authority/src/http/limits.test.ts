import { expect, test } from 'vitest'
import { addressOf } from './address.ts'
import { Admission } from './admission.ts'
import { FailureLimit } from './failure_limit.ts'

const overloaded = expect.objectContaining({ code: 'overloaded' })
const rateLimited = expect.objectContaining({ code: 'rate_limited' })
/** Stands still. */
const clock = { monotonicMs: () => 0 }

test('what is full sheds, what has left makes room, and leaving twice counts once', () => {
  const admission = new Admission({ concurrentRequests: 2, clock })
  const [place] = [admission.enter('ordinary', 'a'), admission.enter('ordinary', 'a')]
  expect(() => admission.enter('ordinary', 'b')).toThrow(overloaded)
  for (const room of ['revocation', 'withdrawal', 'feed', 'none'] as const) admission.enter(room, 'a')
  place?.leave()
  place?.leave()
  admission.enter('ordinary', 'a')
  expect(() => admission.enter('ordinary', 'a')).toThrow(overloaded)
})

test('the rooms beside are bounded too, each by itself', () => {
  const admission = new Admission({ concurrentRequests: 1, clock })
  for (let n = 0; n < 16; n += 1) admission.enter('feed', 'a')
  expect(() => admission.enter('feed', 'a')).toThrow(overloaded)
  admission.enter('withdrawal', 'a')
  admission.enter('revocation', 'a')
  expect(admission.inProgress).toBe(18)
})

test('nobody is in the room of revocation unknown, and no address and no organization fills what is before and in it', () => {
  const admission = new Admission({ concurrentRequests: 1, clock })
  // Unknown ones, from one address.
  for (let n = 0; n < 4; n += 1) admission.enter('revocation', 'attacker')
  expect(() => admission.enter('revocation', 'attacker')).toThrow(overloaded)
  const known = Array.from({ length: 4 }, () => admission.enter('revocation', 'honest'))
  for (const place of known) place.move('revocation', 'org_a')
  // Those have left the door to others, and all that their organization may have is taken.
  const fifth = admission.enter('revocation', 'honest')
  expect(() => fifth.move('revocation', 'org_a')).toThrow(overloaded)
  admission.enter('revocation', 'honest').move('revocation', 'org_b')
  known[0]?.leave()
  admission.enter('revocation', 'honest').move('revocation', 'org_a')
  for (const place of known) place.leave()
  fifth.leave()
  expect(admission.inProgress).toBe(6)
})

test('thousands who are sent away at once are each given a turn, in order, and nobody waits for long', () => {
  let now = 0
  const admission = new Admission({ concurrentRequests: 1, clock: { monotonicMs: () => now } })
  const turns = Array.from({ length: 9_500 }, () => admission.comeBackIn('feed'))
  expect(turns.toSorted((a, b) => a - b)).toEqual(turns)
  const bySecond = Object.values(Object.groupBy(turns, (seconds) => seconds)).map((all) => all?.length ?? 0)
  expect(bySecond.length).toBe(8)
  expect(Math.max(...bySecond)).toBeLessThan(1_210)
  // A flood goes on: those behind it come back within ten seconds all the same, and not in one of them.
  for (let n = 0; n < 5_000; n += 1) admission.comeBackIn('feed')
  const behind = Array.from({ length: 1_000 }, () => admission.comeBackIn('feed'))
  expect(Math.max(...behind)).toBe(10)
  expect(new Set(behind).size).toBeGreaterThan(3)
  now += 60_000
  expect([admission.comeBackIn('feed'), admission.comeBackIn('ordinary')]).toEqual([1, 1])
})

function limitAt(perMinute: number) {
  let now = 0
  const clock = { nowMs: () => now, monotonicMs: () => now }
  return {
    limit: new FailureLimit({ failuresPerMinute: perMinute, clock }),
    pass(ms: number) {
      now += ms
    },
  }
}

test('failures wear off with time, by address', () => {
  const { limit, pass } = limitAt(6)
  for (let n = 0; n < 6; n += 1) limit.failed('a')
  expect(() => limit.failed('a')).toThrow(rateLimited)
  limit.failed('b')
  pass(20_000)
  limit.failed('a')
})

test('however often an address fails, it is below its limit again after a minute', () => {
  const { limit, pass } = limitAt(6)
  const fail = () => expect(() => limit.failed('a')).toThrow(rateLimited)
  for (let n = 0; n < 6; n += 1) limit.failed('a')
  for (let n = 0; n < 10_000; n += 1) fail()
  pass(59_000)
  fail()
  pass(20_000)
  limit.failed('a')
})

test('above its limit an address has a few requests looked at at once, and below as many as it sends', () => {
  const { limit, pass } = limitAt(6)
  const early = Array.from({ length: 100 }, () => limit.begin('a'))
  for (let n = 0; n < 6; n += 1) limit.failed('a')
  const late = Array.from({ length: 16 }, () => limit.begin('a'))
  expect(() => limit.begin('a')).toThrow(rateLimited)
  limit.begin('b')
  for (const end of early) end()
  expect(() => limit.begin('a')).toThrow()
  late[0]?.()
  limit.begin('a')
  pass(60_000)
  limit.begin('a')
})

test('no limit counts nothing', () => {
  const { limit } = limitAt(0)
  for (let n = 0; n < 100; n += 1) limit.failed('a')
  limit.begin('a')
})

test.each([
  ['203.0.113.9', undefined, 0, '203.0.113.9'],
  ['::ffff:203.0.113.9', undefined, 0, '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', undefined, 0, '2001:db8:1:2'],
  ['2001:db8::6', undefined, 0, '2001:db8:0:0'],
  ['::1', undefined, 0, '0:0:0:0'],
  ['10.0.0.1', '6.6.6.6, 198.51.100.7', 0, '10.0.0.1'],
  ['10.0.0.1', '6.6.6.6, 198.51.100.7', 1, '198.51.100.7'],
  ['10.0.0.1', '6.6.6.6, 198.51.100.7, 10.0.0.2', 2, '198.51.100.7'],
  ['10.0.0.1', undefined, 1, '10.0.0.1'],
  ['10.0.0.1', '6.6.6.6, 198.51.100.7:51234', 1, '198.51.100.7'],
  ['10.0.0.1', '[2001:DB8:1:2::6]:443', 1, '2001:db8:1:2'],
  ['10.0.0.1', '[::FFFF:198.51.100.7]:443', 1, '198.51.100.7'],
  ['10.0.0.1', ':', 1, 'unknown'],
])('a connection from %s, forwarded for %s behind %i proxies, counts as %s', (connection, forwarded, hops, address) => {
  const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  expect(addressOf({ headers: new Headers(headers), connection }, hops)).toBe(address)
})
