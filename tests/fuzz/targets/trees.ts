// Merkle proofs. Inputs say how a true proof of a small tree is bent before it is checked.

import { strict as assert } from 'node:assert'
import {
  base64url,
  canonicalize,
  consistencyProof,
  Frontier,
  inclusionProof,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  leafHash,
  parseJson,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  verifyLog,
} from '@credence/protocol'
import { read, readNow, type Target, textOf, valuesOf } from '../target.ts'

const most = 24
const leaves = await Promise.all(Array.from({ length: most }, (_, index) => leafHash(Uint8Array.of(index))))
const roots = await Promise.all(leaves.map((_, last) => rootOf(leaves.slice(0, last + 1))))

const inclusion: Target = {
  name: 'merkle_inclusion',
  form: 'json',
  seeds: [
    '{"tree":7,"leaf":3}',
    '{"tree":8,"leaf":0,"index":0,"size":8,"drop":0}',
    '{"tree":6,"leaf":5,"swap":1,"other":2}',
  ],
  sources: [],
  words: ['tree', 'leaf', 'index', 'size', 'drop', 'add', 'swap', 'other', 'short', 'prove'],
  async check(input) {
    const asked = readNow(() => parseJson(textOf(input))).value
    if (!isJsonObject(asked)) return 'no object'
    const tree = between(asked.tree, 1, most)
    const place = between(asked.leaf, 0, tree - 1)
    const honest = await inclusionProof(leaves.slice(0, tree), place)
    const index = numberOf(asked.index, place)
    const size = numberOf(asked.size, tree)
    const leaf = leaves[between(asked.other, place, most - 1)] as Uint8Array
    const proof = bend(honest, asked)
    const root = roots[tree - 1] as Uint8Array
    const holds = await verifyInclusion({ index, size, leafHash: leaf, proof, root })
    const untouched = index === place && size === tree && leaf === leaves[place] && same(proof, honest)
    if (untouched) assert.ok(holds, 'a true proof is refused')
    // A proof says which leaf stands at which place of a tree of this size: for the true size nothing else may pass.
    if (holds && size === tree) assert.equal(leaf, leaves[index])
    if (holds) assert.ok(leaves.slice(0, tree).includes(leaf))
    return `${holds} ${untouched}`
  },
}

const consistency: Target = {
  name: 'merkle_consistency',
  form: 'json',
  seeds: ['{"tree":7,"old":3}', '{"tree":8,"old":8}', '{"tree":6,"old":4,"size":4,"drop":0}'],
  sources: [],
  words: ['tree', 'old', 'size', 'size2', 'drop', 'add', 'swap', 'other', 'short'],
  async check(input) {
    const asked = readNow(() => parseJson(textOf(input))).value
    if (!isJsonObject(asked)) return 'no object'
    const tree = between(asked.tree, 1, most)
    const old = between(asked.old, 1, tree)
    const honest = await consistencyProof(leaves.slice(0, tree), old)
    const proof = bend(honest, asked)
    const size1 = numberOf(asked.size, old)
    const size2 = numberOf(asked.size2, tree)
    const root1 = roots[between(asked.other, old - 1, most - 1)] as Uint8Array
    const root2 = roots[tree - 1] as Uint8Array
    const holds = await verifyConsistency({ size1, size2, root1, root2, proof })
    const untouched = size1 === old && size2 === tree && root1 === roots[old - 1] && same(proof, honest)
    if (untouched) assert.ok(holds, 'a true proof is refused')
    if (holds && size2 === tree) assert.equal(root1, roots[size1 - 1])
    return `${holds} ${untouched}`
  },
}

const frontiers = await Promise.all(
  [0, 1, 6, 13].map(async (size) => {
    const frontier = new Frontier()
    for (const leaf of leaves.slice(0, size)) await frontier.append(leaf)
    return JSON.stringify(frontier)
  }),
)

const frontier: Target = {
  name: 'merkle_frontier',
  form: 'json',
  seeds: frontiers,
  sources: ['packages/protocol/src/merkle.ts'],
  async check(input) {
    const parsed = readNow(() => parseJson(textOf(input)))
    if (parsed.refused !== undefined) return 'no JSON'
    const ours = readNow(() => Frontier.fromJSON(parsed.value))
    if (ours.refused !== undefined) return ours.refused
    const { size, peaks } = ours.value.toJSON()
    assert.equal(canonicalize(parsed.value), canonicalize({ size, peaks }))
    // The number of peaks is the number of bits of the size, also beyond 32 of them.
    assert.equal(BigInt(size).toString(2).replaceAll('0', '').length, peaks.length)
    if (size < 2 ** 53 - 1) {
      await ours.value.append(leaves[0] as Uint8Array)
      assert.equal(ours.value.size, size + 1)
    }
    assert.equal((await ours.value.root()).length, 32)
    return `accepted ${peaks.length}`
  },
}

const served = [0, 1, 2].map((position) => ({ position, leaf: base64url.encode(Uint8Array.of(position)) }))

const log: Target = {
  name: 'log',
  form: 'lines',
  seeds: [served.map((each) => JSON.stringify(each)).join('\n')],
  sources: ['packages/protocol/src/audit/head.ts'],
  words: ['position', 'leaf', 'AA', 'AQ', 'Ag', 'Aw'],
  async check(input) {
    const records = valuesOf(input).flatMap((value) =>
      isJsonObject(value) && typeof value.position === 'number' && typeof value.leaf === 'string'
        ? [{ position: value.position, leaf: value.leaf }]
        : [],
    )
    const root = base64url.encode(roots[2] as Uint8Array)
    const ours = await read(() => verifyLog(records, { iss: 'https://id.example', org: 'o', size: 3, root, at_ms: 0 }))
    const true3 = JSON.stringify(records.slice(0, 3)) === JSON.stringify(served)
    assert.equal(ours.refused === undefined, true3)
    return ours.refused ?? 'accepted'
  },
}

function bend(honest: readonly Uint8Array[], asked: JsonObject): Uint8Array[] {
  const proof = [...honest]
  const { drop, add, swap, short } = asked
  if (typeof drop === 'number') proof.splice(drop, 1)
  for (const each of isJsonArray(add) ? add.slice(0, 70) : [])
    proof.push(leaves[between(each, 0, most - 1)] as Uint8Array)
  if (typeof swap === 'number' && swap > 0 && swap < proof.length) proof.unshift(...proof.splice(swap, 1))
  if (short !== undefined) proof[0] = new Uint8Array(between(short, 0, 40))
  return proof
}

function numberOf(value: JsonValue | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function between(value: JsonValue | undefined, least: number, largest: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= largest ? value : least
}

function same(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return (
    one.length === other.length && one.every((each, place) => Buffer.compare(each, other[place] as Uint8Array) === 0)
  )
}

export const targets: readonly Target[] = [inclusion, consistency, frontier, log]
