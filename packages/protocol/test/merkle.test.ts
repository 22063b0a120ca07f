import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../src/json.ts'
import {
  consistencyProof,
  Frontier,
  inclusionProof,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../src/merkle.ts'
import { outcome } from './outcome.ts'
import { needsVectors, vectorsIn, vectorText } from './outside_vectors.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const leaves = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, place) => leafHash(bytes(`leaf ${place}`))))
const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex')

describe('proofs we make', () => {
  test('verify for every leaf and every pair of sizes up to 20, and for no other leaf or root', async () => {
    const all = await leaves(20)
    for (let size = 1; size <= all.length; size++) {
      const tree = all.slice(0, size)
      const root = await rootOf(tree)
      for (let index = 0; index < size; index++) {
        const claim = {
          index,
          size,
          leafHash: tree[index] as Uint8Array,
          proof: await inclusionProof(tree, index),
          root,
        }
        expect(await verifyInclusion(claim)).toBe(true)
        expect(await verifyInclusion({ ...claim, index: index + 1 })).toBe(false)
        expect(await verifyInclusion({ ...claim, leafHash: root })).toBe(size === 1)
      }
      for (let size1 = 1; size1 <= size; size1++) {
        const root1 = await rootOf(tree.slice(0, size1))
        const claim = { size1, size2: size, root1, root2: root, proof: await consistencyProof(tree, size1) }
        expect(await verifyConsistency(claim)).toBe(true)
        if (size1 < size) expect(await verifyConsistency({ ...claim, root1: root })).toBe(false)
      }
    }
  })

  test('refuse places outside the tree', async () => {
    const tree = await leaves(3)
    for (const place of [-1, 3, 0.5, Number.NaN])
      expect(await outcome(() => inclusionProof(tree, place))).toBe('malformed')
    for (const size of [0, 4, 1.5]) expect(await outcome(() => consistencyProof(tree, size))).toBe('malformed')
  })

  test('any changed bit is noticed', async () => {
    const tree = await leaves(13)
    const root = await rootOf(tree)
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.nat(), async (index, bit) => {
        const proof = (await inclusionProof(tree, index)).map((hash) => Uint8Array.from(hash))
        const place = bit % (proof.length * 256)
        ;(proof[place >> 8] as Uint8Array)[(place & 255) >> 3] =
          ((proof[place >> 8] as Uint8Array)[(place & 255) >> 3] as number) ^ (1 << (place & 7))
        expect(await verifyInclusion({ index, size: 13, leafHash: tree[index] as Uint8Array, proof, root })).toBe(false)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the frontier', () => {
  test('has the root of its leaves at every size, over its JSON too', async () => {
    const all = await leaves(70)
    let frontier = new Frontier()
    expect(hex(await frontier.root())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    for (const [place, leaf] of all.entries()) {
      await frontier.append(leaf)
      expect(hex(await frontier.root())).toBe(hex(await rootOf(all.slice(0, place + 1))))
      frontier = Frontier.fromJSON(JSON.parse(JSON.stringify(frontier)) as JsonValue)
      expect(frontier.size).toBe(place + 1)
    }
  })

  test('appends in the order of the calls, though nobody waits', async () => {
    const all = await leaves(33)
    const frontier = new Frontier()
    for (const leaf of all) void frontier.append(leaf)
    expect(hex(await frontier.root())).toBe(hex(await rootOf(all)))
    expect(frontier.size).toBe(33)
  })

  test('refuses what it cannot have written', async () => {
    const peak = 'A'.repeat(43)
    for (const json of [
      {},
      { size: 1, peaks: [] },
      { size: -1, peaks: [] },
      { size: 3, peaks: [peak] },
      { size: 1, peaks: [`${peak}A`] },
    ]) {
      expect(await outcome(() => Frontier.fromJSON(json))).toBe('malformed')
    }
    expect(await outcome(() => new Frontier().append(new Uint8Array(31)))).toBe('malformed')
  })
})

describe('vectors of transparency-dev/merkle', () => {
  needsVectors('merkle')
  const read = (path: string) => JSON.parse(vectorText(path)) as Record<string, unknown>
  const hash = (text: unknown) => Uint8Array.from(Buffer.from((text ?? '') as string, 'base64'))
  const proofOf = (vector: Record<string, unknown>) => ((vector.proof ?? []) as string[]).map(hash)

  test('inclusion', async () => {
    const names = vectorsIn('merkle/inclusion')
    expect(names.length).toBeGreaterThan(90)
    for (const name of names) {
      const vector = read(name)
      const claim = {
        index: vector.leafIdx as number,
        size: vector.treeSize as number,
        leafHash: hash(vector.leafHash),
        proof: proofOf(vector),
        root: hash(vector.root),
      }
      expect(await verifyInclusion(claim), name).toBe(!vector.wantErr)
    }
  })

  test('consistency', async () => {
    const names = vectorsIn('merkle/consistency')
    expect(names.length).toBeGreaterThan(90)
    for (const name of names) {
      const vector = read(name)
      const claim = {
        size1: vector.size1 as number,
        size2: vector.size2 as number,
        root1: hash(vector.root1),
        root2: hash(vector.root2),
        proof: proofOf(vector),
      }
      expect(await verifyConsistency(claim), name).toBe(!vector.wantErr)
    }
  })
})
