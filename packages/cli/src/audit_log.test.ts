import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  base64url,
  encodeLeaf,
  Frontier,
  generateSigningKey,
  inclusionProof,
  leafHash,
  newId,
  type SigningKey,
  signBatch,
  signLogHead,
} from '@credence/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkLog, proveRecord, readHead } from './audit_log.ts'
import { connection } from './connection.ts'

// An authority that lies: each test bends one thing that it serves.

const org = newId('org')
const leaves = Array.from({ length: 5 }, (_, place) =>
  encodeLeaf({ v: 1, id: newId('aud'), org, at_ms: place, type: 'agent.registered', subject: newId('agt') }),
)
let issuer: string
let key: SigningKey
let served: Record<string, unknown>
let close: () => void

const recordsOf = (of: readonly Uint8Array[]) =>
  of.map((leaf, position) => {
    const read = JSON.parse(new TextDecoder().decode(leaf))
    return { position, id: read.id, leaf: read, leaf_bytes: base64url.encode(leaf), leaf_hash: '', values: {} }
  })

async function headOf(of: readonly Uint8Array[], by = key): Promise<{ signed: string }> {
  const frontier = new Frontier()
  for (const leaf of of) await frontier.append(await leafHash(leaf))
  const root = base64url.encode(await frontier.root())
  return { signed: await signLogHead(by, { iss: issuer, org, size: of.length, root, at_ms: 1 }) }
}

beforeEach(async () => {
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const answer = served[path]
    response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  close = () => {
    server.close()
    server.closeAllConnections()
  }
  issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  key = await generateSigningKey('ES256')
  served = {
    '/.well-known/oauth-authorization-server': { issuer, jwks_uri: `${issuer}/jwks` },
    '/jwks': { keys: [key.publicJwk] },
    '/v1/audit/head': await headOf(leaves),
    '/v1/audit/records': { records: recordsOf(leaves) },
  }
})

afterEach(() => close())

test('an honest log is found to be whole, also when it has grown since its head', async () => {
  expect((await checkLog(connection(issuer, 's'))).size).toBe(5)
  served['/v1/audit/head'] = await headOf(leaves.slice(0, 3))
  expect((await checkLog(connection(issuer, 's'))).size).toBe(3)
})

test('a record that was changed, left out, doubled or moved is found out', async () => {
  const [first, second, ...rest] = recordsOf(leaves)
  if (first === undefined || second === undefined) throw new Error('too few')
  const changed = { ...second, leaf_bytes: base64url.encode(encodeLeaf({ ...second.leaf, at_ms: 99 })) }
  for (const records of [
    [first, changed, ...rest],
    [first, ...rest],
    [first, second, second, ...rest],
    [first, { ...rest[0], position: 1 }, { ...second, position: 2 }, ...rest.slice(1)],
    [first, second],
    [],
  ]) {
    served['/v1/audit/records'] = { records }
    await expect(checkLog(connection(issuer, 's'))).rejects.toMatchObject({ code: 'log_mismatch' })
  }
})

test('a head that another key signed, or that is another issuer’s, is refused', async () => {
  served['/v1/audit/head'] = await headOf(leaves, await generateSigningKey('ES256'))
  await expect(readHead(connection(issuer, 's'))).rejects.toMatchObject({ code: 'key_unknown' })
  const root = base64url.encode(new Uint8Array(32))
  const foreign = { iss: 'https://other.example', org, size: 5, root, at_ms: 1 }
  served['/v1/audit/head'] = { signed: await signLogHead(key, foreign) }
  await expect(readHead(connection(issuer, 's'))).rejects.toMatchObject({ code: 'issuer_untrusted' })
})

test('what is signed for something else is not taken for a head', async () => {
  const batch = { iss: issuer, org, incarnation: 1, after: 0, to: 0, head: 0, facts: [], at_ms: 1 }
  served['/v1/audit/head'] = { signed: await signBatch(key, batch) }
  await expect(readHead(connection(issuer, 's'))).rejects.toMatchObject({ code: 'type_mismatch' })
})

test('metadata of another issuer, or with its keys elsewhere, is refused', async () => {
  for (const wrong of [
    { issuer: 'https://other.example', jwks_uri: `${issuer}/jwks` },
    { issuer, jwks_uri: 'https://other.example/jwks' },
    { issuer },
  ]) {
    served['/.well-known/oauth-authorization-server'] = wrong
    await expect(readHead(connection(issuer, 's'))).rejects.toMatchObject({ code: 'metadata_mismatch' })
  }
})

test('a proof counts only for the record asked about, over the bytes served', async () => {
  const records = recordsOf(leaves)
  const [, asked, other] = records
  const hashes = await Promise.all(leaves.map(leafHash))
  const proof = (await inclusionProof(hashes, 1)).map((hash) => base64url.encode(hash))
  const path = `/v1/audit/records/${asked?.id}/proof`
  const { signed } = await headOf(leaves)
  served['/v1/audit/records'] = { records: [asked] }
  served[path] = { position: 1, leaf_hash: '', size: 5, proof, signed }
  expect((await proveRecord(connection(issuer, 's'), asked?.id)).record.position).toBe(1)
  // Another record's proof, another record in its place, a shortened path.
  served[path] = { position: 2, leaf_hash: '', size: 5, proof, signed }
  await expect(proveRecord(connection(issuer, 's'), asked?.id)).rejects.toMatchObject({ code: 'log_mismatch' })
  served[path] = { position: 1, leaf_hash: '', size: 5, proof: proof.slice(1), signed }
  await expect(proveRecord(connection(issuer, 's'), asked?.id)).rejects.toMatchObject({ code: 'log_mismatch' })
  served[path] = { position: 1, leaf_hash: '', size: 5, proof, signed }
  served['/v1/audit/records'] = { records: [{ ...other, position: 1, id: asked?.id }] }
  await expect(proveRecord(connection(issuer, 's'), asked?.id)).rejects.toMatchObject({ code: 'log_mismatch' })
})

test.each([
  ['does not get on', { records: [], next_after: -1 }],
  ['goes back', { records: [], next_after: -7 }],
  ['goes on at no number', { records: [], next_after: 'x' }],
  ['has no list', { records: {} }],
  ['has records without bytes', { records: [null] }],
  ['is none', null],
])('a page that %s ends the reading', async (_what, page) => {
  served['/v1/audit/records'] = page
  await expect(checkLog(connection(issuer))).rejects.toMatchObject({ code: 'answer_unreadable' })
})
