import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commit, newSalt, openCommitment } from '../src/audit/commitment.ts'
import { decodeLeaf, encodeLeaf, type Leaf } from '../src/audit/leaf.ts'
import { newId } from '../src/identifiers.ts'
import type { JsonValue } from '../src/json.ts'
import { outcome } from './outcome.ts'

const leaf: Leaf = {
  v: 1,
  id: newId('aud'),
  org: newId('org'),
  at_ms: 1_700_000_000_000,
  type: 'token.issued',
  agent: newId('agt'),
  chain: ['A'.repeat(43)],
  scope: 'repo:read pr:*',
  reasons: [],
  count: 0,
  commitments: { person_name: 'A'.repeat(43) },
}
const { reasons: _, ...good } = leaf

describe('a leaf', () => {
  test('is its canonical text, and reads back as itself', () => {
    const bytes = encodeLeaf(good)
    expect(new TextDecoder().decode(bytes)).toMatch(/^\{"agent":"agt_.*"v":1\}$/)
    expect(decodeLeaf(bytes)).toEqual(good)
    expect(encodeLeaf({ ...good, task: undefined } as unknown as Leaf)).toEqual(bytes)
  })

  test('v1 is final: these bytes never change', () => {
    const first: Leaf = {
      v: 1,
      id: `aud_${'A'.repeat(22)}`,
      org: `org_${'A'.repeat(22)}`,
      at_ms: 1,
      type: 'agent.registered',
      by: 'adm_x',
    }
    expect(new TextDecoder().decode(encodeLeaf(first))).toBe(
      `{"at_ms":1,"by":"adm_x","id":"aud_${'A'.repeat(22)}","org":"org_${'A'.repeat(22)}","type":"agent.registered","v":1}`,
    )
  })

  test.each<[string, object]>([
    ['another version', { v: 2 }],
    ['a type that is not defined', { type: 'token.eaten' }],
    ['a member that is not defined', { note: 'x' }],
    ['an id of something else', { id: newId('agt') }],
    ['a sentence as a cause', { cause: 'she left the company' }],
    ['a name that is no id', { by: 'Ada Lovelace' }],
    ['text that is not ASCII', { action: 'löschen' }],
    ['an empty list', { reasons: [] }],
    ['a chain of what are no hashes', { chain: ['abc'] }],
    ['a commitment that is no hash', { commitments: { name: 'Ada' } }],
    ['a name of a commitment that says too much', { commitments: { 'Ada Lovelace': 'A'.repeat(43) } }],
    ['a decision that is none', { decision: 'maybe' }],
    ['half a count', { count: 0.5 }],
    ['null', { task: null }],
  ])('with %s is malformed, to be written or read', async (_, change) => {
    const wrong = { ...good, ...change }
    expect(await outcome(() => encodeLeaf(wrong as unknown as Leaf))).toBe('malformed')
    const sorted = Object.fromEntries(Object.entries(wrong).sort(([a], [b]) => (a < b ? -1 : 1)))
    expect(await outcome(() => decodeLeaf(new TextEncoder().encode(JSON.stringify(sorted))))).toBe('malformed')
  })

  test('in other bytes is not the leaf', async () => {
    const text = new TextDecoder().decode(encodeLeaf(good))
    const read = (bytes: string) => outcome(() => decodeLeaf(new TextEncoder().encode(bytes)))
    expect(await read(` ${text}`)).toBe('non_canonical')
    expect(await read(text.replace('{"agent"', '{"v":1,"agent"'))).toBe('duplicate_member')
    expect(await read('x'.repeat(70_000))).toBe('too_large')
  })
})

describe('a commitment', () => {
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>
  const name = fc.constantFrom('a', 'ab', 'b', 'person_name')

  test('opens to what it was made to, and to nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(name, value, name, value, async (name1, value1, name2, value2) => {
        const salt = newSalt()
        const commitment = await commit(name1, value1, salt)
        const same = name1 === name2 && JSON.stringify(normal(value1)) === JSON.stringify(normal(value2))
        expect(await openCommitment(commitment, name1, value1, salt)).toBe(true)
        expect(await openCommitment(commitment, name2, value2, salt)).toBe(same)
        expect(await openCommitment(commitment, name1, value1, newSalt())).toBe(false)
      }),
    )
  })

  test('has one form for ever', async () => {
    expect(await commit('name', { b: 1, a: 'ü' }, new Uint8Array(32))).toBe(
      'RdGII42J4DRe0JhyVNl1TGine9bDz1ZyOtG6jIWij44',
    )
  })

  test('needs a salt of 32 bytes', async () => {
    expect(await outcome(() => commit('name', 1, new Uint8Array(31)))).toBe('malformed')
    expect(await openCommitment('x', 'name', 1, new Uint8Array(31))).toBe(false)
  })
})

/** Members in one order, and -0 as 0, as JCS has them. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([member, inner]) => [member, normal(inner)] as const)
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return value === 0 ? 0 : value
}
