import { expect, test } from 'vitest'
import { encode } from '../base64url.ts'
import { newId } from '../identifiers.ts'
import { signJws } from '../jws.ts'
import { generateSigningKey, importPublicKey } from '../keys.ts'
import { leafHash, rootOf } from '../merkle.ts'
import { type LogHead, signLogHead, verifyLog, verifyLogHead } from './head.ts'

const issuer = 'https://credence.example'
const leaves = ['one', 'two', 'three', 'four', 'five'].map((text) => new TextEncoder().encode(text))
const records = leaves.map((leaf, position) => ({ position, leaf: encode(leaf) }))

async function headOf(size: number): Promise<LogHead> {
  const hashes = await Promise.all(leaves.slice(0, size).map(leafHash))
  return { iss: issuer, org: newId('org'), size, root: encode(await rootOf(hashes)), at_ms: 1 }
}

test('a signed head is believed from its issuer only', async () => {
  const key = await generateSigningKey('ES256')
  const known = await importPublicKey(key.publicJwk, key.kid)
  const head = await headOf(3)
  const signed = await signLogHead(key, head)
  const keys = (_issuer: string, kid: string | undefined) => (kid === key.kid ? known : undefined)
  expect(await verifyLogHead(signed, { issuer, keys })).toEqual(head)
  const refusedAs = (compact: string, trusted: string) => verifyLogHead(compact, { issuer: trusted, keys })
  await expect(refusedAs(signed, 'https://other.example')).rejects.toMatchObject({ code: 'issuer_untrusted' })
  const other = await generateSigningKey('ES256')
  await expect(refusedAs(await signLogHead(other, head), issuer)).rejects.toMatchObject({ code: 'key_unknown' })
  const batch = await signJws(key, { typ: 'revocations+jwt' }, head)
  await expect(refusedAs(batch, issuer)).rejects.toMatchObject({ code: 'type_mismatch' })
  const more = await signJws(key, { typ: 'log-head+jwt' }, { ...head, more: 1 })
  await expect(refusedAs(more, issuer)).rejects.toMatchObject({ code: 'malformed' })
})

test('a log verifies against its head, whatever was appended since', async () => {
  await verifyLog(records, await headOf(5))
  await verifyLog(records, await headOf(3))
  await verifyLog([], await headOf(0))
})

test('the first wrong place is named', async () => {
  const head = await headOf(5)
  const [first, second, third, ...rest] = records
  const wrong: Array<[string, Array<{ position: number; leaf: string } | undefined>]> = [
    ['position 1: missing', [first, third, ...rest]],
    ['position 1: missing', [first, first, second, third, ...rest]],
    ['position 4: missing', records.slice(0, 4)],
    [
      'root: not the one in the signed head',
      [second && { ...second, position: 0 }, first && { ...first, position: 1 }, third, ...rest],
    ],
  ]
  for (const [detail, log] of wrong) {
    const given = log.filter((record) => record !== undefined)
    await expect(verifyLog(given, head)).rejects.toMatchObject({ code: 'log_mismatch', detail })
  }
})
