import { describe, expect, test } from 'vitest'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../src/json.ts'
import { readSignedBytes, verifyJws } from '../src/jws.ts'
import { importPublicKey } from '../src/keys.ts'
import { outcome } from './outcome.ts'
import { needsVectors, vectorText } from './outside_vectors.ts'

type Case = { tcId: number; comment: string; jws: JsonValue; result: 'valid' | 'invalid' }
type Group = { comment: string; public?: JsonObject; private: JsonObject; tests: Case[] }

/** What we accept at all: everything else must be refused, valid or not. */
const ours = ['ES256', 'EdDSA', 'RS256']

/** The public key of the group, as a JWKS would publish it: the key the header names, when there are several. */
function keyFor(group: Group, kid: string | undefined): JsonObject {
  const source = group.public ?? group.private
  const keys = isJsonArray(source.keys) ? source.keys.filter(isJsonObject) : [source]
  return keys.find((key) => key.kid === kid) ?? keys[0] ?? {}
}

/** Our verification entry points, as every token, assertion, proof and statement goes through them. */
async function verify(group: Group, jws: string): Promise<void> {
  const read = readSignedBytes(jws)
  await verifyJws(read, await importPublicKey(keyFor(group, read.header.kid)))
}

function isSupported(group: Group): boolean {
  const key = keyFor(group, undefined)
  return ours.includes(String(key.alg)) && key.kty !== 'oct'
}

// `public` of these groups has no private members; where the key is symmetric there is only `private`.
describe.each(['json_web_signature_test.json', 'json_web_key_test.json'])('Wycheproof %s', (file) => {
  const present = needsVectors(`wycheproof/${file}`)
  const groups: Group[] = present ? JSON.parse(vectorText(`wycheproof/${file}`)).testGroups : []

  const invalid = groups.flatMap((group) =>
    group.tests.filter((each) => each.result === 'invalid').map((each) => ({ group, each })),
  )
  const valid = groups.flatMap((group) =>
    group.tests.filter((each) => each.result === 'valid').map((each) => ({ group, each })),
  )

  test('every invalid case is refused', async () => {
    const accepted: number[] = []
    for (const { group, each } of invalid) {
      const text = typeof each.jws === 'string' ? each.jws : JSON.stringify(each.jws)
      if ((await outcome(() => verify(group, text))) === 'accepted') accepted.push(each.tcId)
    }
    expect(accepted).toEqual([])
    expect(invalid.length).toBeGreaterThan(10)
  })

  test('every valid case with an algorithm of ours is accepted, and no other', async () => {
    const wrong: string[] = []
    const seen = { accepted: 0, refused: 0 }
    for (const { group, each } of valid) {
      const result = await outcome(() => verify(group, String(each.jws)))
      const expected = isSupported(group)
      if ((result === 'accepted') !== expected) wrong.push(`${each.tcId} ${group.comment} ${each.comment}: ${result}`)
      seen[result === 'accepted' ? 'accepted' : 'refused']++
    }
    expect(wrong).toEqual([])
    expect(seen.accepted).toBeGreaterThan(0)
    expect(seen.refused).toBeGreaterThan(0)
  })
})
