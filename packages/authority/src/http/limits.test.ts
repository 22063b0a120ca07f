import { expect, test } from 'vitest'
import { addressOf } from './address.ts'
import { Admission } from './admission.ts'
import { FailureLimit } from './failure_limit.ts'

test('what is full sheds, what has left makes room, and leaving twice counts once', () => {
  const admission = new Admission({ concurrentRequests: 2 })
  const [leave] = [admission.enter({}), admission.enter({})]
  expect(() => admission.enter({})).toThrow(expect.objectContaining({ code: 'overloaded' }))
  expect(() => admission.enter({ room: 'revocation' })).not.toThrow()
  expect(() => admission.enter({ room: 'feed' })).not.toThrow()
  leave?.()
  leave?.()
  expect(() => admission.enter({})).not.toThrow()
  expect(() => admission.enter({})).toThrow()
})

test('the rooms beside are bounded too, each by itself', () => {
  const admission = new Admission({ concurrentRequests: 1 })
  for (let n = 0; n < 16; n += 1) admission.enter({ room: 'feed' })
  expect(() => admission.enter({ room: 'feed' })).toThrow()
  expect(() => admission.enter({ room: 'revocation' })).not.toThrow()
  expect(admission.inProgress).toBe(17)
})

test('failures wear off with time, by address', () => {
  let now = 0
  const clock = { nowMs: () => now, monotonicMs: () => now }
  const limit = new FailureLimit({ failuresPerMinute: 6, clock })
  for (let n = 0; n < 6; n += 1) {
    limit.check('a')
    limit.failed('a')
  }
  expect(() => limit.check('a')).toThrow(expect.objectContaining({ code: 'rate_limited' }))
  limit.check('b')
  now += 10_000
  limit.check('a')
})

test('no limit counts nothing', () => {
  const clock = { nowMs: () => 0, monotonicMs: () => 0 }
  const limit = new FailureLimit({ failuresPerMinute: 0, clock })
  for (let n = 0; n < 100; n += 1) limit.failed('a')
  limit.check('a')
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
])('a connection from %s, forwarded for %s behind %i proxies, counts as %s', (connection, forwarded, hops, address) => {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  expect(addressOf(new Request('http://x', { headers }), connection, hops)).toBe(address)
})
