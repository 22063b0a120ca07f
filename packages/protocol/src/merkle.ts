/**
 * Merkle trees of append-only logs: hashing, proofs and their verification after RFC 6962 section 2.1 and RFC 9162 section 2.1.
 *
 * Hashes are 32 bytes of SHA-256. Sizes and indices are whole numbers up to 2^53 - 1, so nothing here uses 32-bit operators.
 */

import { decode, encode } from './base64url.ts'
import { sha256 } from './digest.ts'
import type { JsonValue } from './json.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'
import { checkShape, listOf, sha256Text, whole } from './shape.ts'

/** SHA-256(0x00 || leaf), RFC 6962. */
export function leafHash(leaf: Uint8Array): Promise<Uint8Array> {
  const input = new Uint8Array(1 + leaf.length)
  input.set(leaf, 1)
  return sha256(input)
}

/** SHA-256(0x01 || left || right), RFC 6962. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  const input = new Uint8Array(1 + left.length + right.length)
  input[0] = 1
  input.set(left, 1)
  input.set(right, 1 + left.length)
  return sha256(input)
}

/**
 * The right edge of a growing tree: all that is needed to append leaves and to know the root, in logarithmic space.
 * Appends take effect in the order of the calls, awaited or not.
 */
export class Frontier {
  #size = 0
  /** Roots of the perfect subtrees the leaves fall into, largest first: one for each bit set in the size. */
  #peaks: readonly Uint8Array[] = []
  #last: Promise<unknown> = Promise.resolve()

  get size(): number {
    return this.#size
  }

  /** @param leaf its leaf hash, 32 bytes */
  append(leaf: Uint8Array): Promise<void> {
    if (leaf.length !== 32) refuse('malformed', { detail: 'leaf hash: not 32 bytes' })
    const appended = this.#last.then(async () => {
      const peaks = [...this.#peaks]
      let hash = leaf
      for (let rest = this.#size; rest % 2 === 1; rest = half(rest))
        hash = await nodeHash(peaks.pop() as Uint8Array, hash)
      // Size and peaks change together, so that neither `root` nor `toJSON` ever sees half an append.
      this.#peaks = [...peaks, hash]
      this.#size++
    })
    this.#last = appended
    return appended
  }

  /** The root over all leaves appended so far; of no leaves, SHA-256 of nothing. */
  async root(): Promise<Uint8Array> {
    await this.#last
    const peaks = [...this.#peaks]
    let root = peaks.pop()
    if (!root) return sha256(new Uint8Array())
    for (let peak = peaks.pop(); peak; peak = peaks.pop()) root = await nodeHash(peak, root)
    return root
  }

  toJSON(): { size: number; peaks: string[] } {
    return { size: this.#size, peaks: this.#peaks.map(encode) }
  }

  /** Refuses `malformed` what `toJSON` cannot have written. */
  static fromJSON(value: JsonValue): Frontier {
    const shape = { required: { size: whole(0), peaks: listOf(sha256Text, 0, 53) } }
    const { size, peaks } = checkShape(value, shape, 'malformed', 'frontier') as { size: number; peaks: string[] }
    const frontier = new Frontier()
    frontier.#size = size
    frontier.#peaks = peaks.map(decode)
    let bits = 0
    for (let rest = size; rest > 0; rest = half(rest)) bits += rest % 2
    if (bits !== peaks.length) refuse('malformed', { detail: 'frontier: size and peaks disagree' })
    return frontier
  }
}

/** The root over these leaf hashes. */
export async function rootOf(hashes: readonly Uint8Array[]): Promise<Uint8Array> {
  const [only] = hashes
  if (!only) return sha256(new Uint8Array())
  if (hashes.length === 1) return only
  const split = splitOf(hashes.length)
  const [left, right] = await Promise.all([rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split))])
  return nodeHash(left, right)
}

/** The audit path of one leaf among all of these (RFC 9162 section 2.1.3.1), leaf's sibling first. */
export async function inclusionProof(hashes: readonly Uint8Array[], index: number): Promise<Uint8Array[]> {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < hashes.length))
    refuse('malformed', { detail: 'index: outside the tree' })
  if (hashes.length === 1) return []
  const split = splitOf(hashes.length)
  const [left, right] = [hashes.slice(0, split), hashes.slice(split)]
  return index < split
    ? [...(await inclusionProof(left, index)), await rootOf(right)]
    : [...(await inclusionProof(right, index - split)), await rootOf(left)]
}

/** Proves that the first `size` of these leaves are the start of all of them (RFC 9162 section 2.1.4.1). `size` is at least 1. */
export async function consistencyProof(hashes: readonly Uint8Array[], size: number): Promise<Uint8Array[]> {
  if (!(Number.isSafeInteger(size) && size >= 1 && size <= hashes.length))
    refuse('malformed', { detail: 'size: outside the tree' })
  return subproof(hashes, size, true)
}

async function subproof(hashes: readonly Uint8Array[], size: number, whole: boolean): Promise<Uint8Array[]> {
  if (size === hashes.length) return whole ? [] : [await rootOf(hashes)]
  const split = splitOf(hashes.length)
  const [left, right] = [hashes.slice(0, split), hashes.slice(split)]
  return size <= split
    ? [...(await subproof(left, size, whole)), await rootOf(right)]
    : [...(await subproof(right, size - split, false)), await rootOf(left)]
}

/** RFC 9162 section 2.1.3.2. False for anything that is not a proof; never throws. */
export async function verifyInclusion(claim: {
  index: number
  size: number
  leafHash: Uint8Array
  proof: readonly Uint8Array[]
  root: Uint8Array
}): Promise<boolean> {
  const { index, size, proof } = claim
  if (!areSizes(index, size) || index >= size || !areHashes([claim.leafHash, ...proof])) return false
  let place = index
  let last = size - 1
  let hash = claim.leafHash
  for (const sibling of proof) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      hash = await nodeHash(sibling, hash)
      while (place % 2 === 0 && place > 0) [place, last] = [half(place), half(last)]
    } else {
      hash = await nodeHash(hash, sibling)
    }
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 && equal(hash, claim.root)
}

/**
 * RFC 9162 section 2.1.4.2. False for anything that is not a proof; never throws. Nothing is proven about an empty tree, so a size of
 * zero is never consistent.
 */
export async function verifyConsistency(claim: {
  size1: number
  size2: number
  root1: Uint8Array
  root2: Uint8Array
  proof: readonly Uint8Array[]
}): Promise<boolean> {
  const { size1, size2, root1, root2, proof } = claim
  if (!areSizes(size1, size2) || size1 === 0 || size1 > size2 || !areHashes(proof)) return false
  if (size1 === size2) return proof.length === 0 && equal(root1, root2)
  // A first tree that is perfect is a node of the second, so its root is not repeated in the proof.
  const [start, ...path] = isPowerOfTwo(size1) ? [root1, ...proof] : proof
  if (proof.length === 0 || !start) return false
  let place = size1 - 1
  let last = size2 - 1
  while (place % 2 === 1) [place, last] = [half(place), half(last)]
  let [first, second] = [start, start]
  for (const hash of path) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      first = await nodeHash(hash, first)
      second = await nodeHash(hash, second)
      while (place % 2 === 0 && place > 0) [place, last] = [half(place), half(last)]
    } else {
      second = await nodeHash(second, hash)
    }
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 && equal(first, root1) && equal(second, root2)
}

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

function isPowerOfTwo(size: number): boolean {
  return size === 1 || splitOf(size) * 2 === size
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function areSizes(...sizes: number[]): boolean {
  return sizes.every((size) => Number.isSafeInteger(size) && size >= 0)
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === 32)
}

/** Whether two hashes are the same. They are public, so it need not take the same time for all. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place])
}
