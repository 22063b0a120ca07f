import { expect, test } from 'vitest'
import { newId } from '../identifiers.ts'
import type { Batch } from './batch.ts'
import { FeedState } from './lease.ts'

const issuer = 'https://credence.example'
const org = newId('org')
const nonce = 'of-the-round-trip'

function batchOf(after: number, to: number, more: { head: number; at_ms: number } & Partial<Batch>): Batch {
  const facts = Array.from({ length: to - after }, (_, index) => ({
    seq: after + 1 + index,
    id: `dlg-${after + 1 + index}`,
    epoch: 1,
    cause: 'test',
    at_ms: 1,
    forget_after: 10_000_000_000,
  }))
  return { iss: issuer, org, incarnation: 1, after, to, facts, ...more }
}

test('pages that waited in a cache bring their facts, in whatever order they were signed, and freshness only with the newest', () => {
  const state = new FeedState({ issuer, leaseMs: 10_000 })
  expect(state.receive(batchOf(0, 256, { head: 9_000, at_ms: 900_000 }), 1_000)).toBe('applied')
  expect(state.receive(batchOf(256, 512, { head: 600, at_ms: 60_000 }), 1_001)).toBe('applied')
  expect(state.cursor).toBe(512)
  expect(state.head).toBe(9_000)
  expect(state.map.deadBy([['dlg-300', 0]])).toBe('dlg-300')
  expect(state.isFresh(1_001)).toBe(false)
})

test('a late batch neither makes fresh nor takes freshness away', () => {
  const state = new FeedState({ issuer, leaseMs: 10_000 })
  const now = batchOf(0, 5, { head: 5, at_ms: 900_000, nonce })
  state.calibrate({ sentAtMonotonicMs: 0, nonce, batch: now })
  state.receive(now, 10)
  const until = state.freshUntil()
  expect(state.receive(batchOf(0, 3, { head: 3, at_ms: 899_000 }), 20)).toBe('applied')
  expect([state.freshUntil(), state.cursor, state.head]).toEqual([until, 5, 5])
})

test('a lower head that is not older is a rollback', () => {
  const state = new FeedState({ issuer, leaseMs: 10_000 })
  state.receive(batchOf(0, 5, { head: 5, at_ms: 900_000 }), 10)
  for (const at_ms of [900_000, 900_001]) {
    expect(() => state.receive(batchOf(0, 3, { head: 3, at_ms }), 20)).toThrow(
      expect.objectContaining({ code: 'feed_rolled_back' }),
    )
  }
})

test('the lease that was granted goes on in batches that carry none', () => {
  const resource = 'https://api.example/'
  const state = new FeedState({ issuer, resource })
  const first = batchOf(0, 0, { head: 0, at_ms: 900_000, nonce, lease_ms: 5_000, resource })
  state.calibrate({ sentAtMonotonicMs: 0, nonce, batch: first })
  state.receive(first, 10)
  expect(state.freshUntil()).toBe(5_000)
  state.receive(batchOf(0, 0, { head: 0, at_ms: 901_000 }), 1_010)
  expect(state.freshUntil()).toBe(6_000)
})
