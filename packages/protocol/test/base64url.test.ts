import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, decodeText, encode } from '../src/base64url.ts'
import { outcome } from './outcome.ts'

test('bytes come back, as the platform would write them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(encode(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      expect(decode(encode(bytes))).toEqual(Uint8Array.from(bytes))
    }),
  )
})

test('a runtime without base64url of its own gets the same text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const elsewhere = Object.assign(Uint8Array.from(bytes), { toBase64: undefined })
      expect(encode(elsewhere)).toBe(Buffer.from(bytes).toString('base64url'))
    }),
  )
})

describe.each([
  ['decode', decode],
  ['decodeText', decodeText],
])('%s', (_name, decoding) => {
  test('whatever decodes is the one spelling of its bytes', async () => {
    const character = fc.constantFrom(...'ABYZabyz0189-_+/= \n\u00c1\u0100.'.split(''))
    await fc.assert(
      fc.asyncProperty(fc.array(character, { maxLength: 8 }), async (parts) => {
        const text = parts.join('')
        const bytes = Buffer.from(text, 'base64url')
        const canonical = bytes.toString('base64url') === text
        const fits = decoding === decode || isUtf8(bytes)
        expect(await outcome(() => decoding(text))).toBe(canonical && fits ? 'accepted' : 'malformed')
      }),
      { numRuns: 3000 },
    )
  })

  test.each([
    ...['A', 'AB', 'AAB', 'AA==', 'AA=', 'A A', 'AA\n', '+_', '/_', 'ÁA', '\u0141A', 'AAAAA', 'AA\u0000A', 'AAAA    '],
    ...[' AAA', 'AAA=AAA=', 'AAAA AAAA', 'AA AA AA', 'AAA+', 'AAA/', '\n\n\n\n'],
  ])('not one spelling of anything: %j', async (text) => {
    expect(await outcome(() => decoding(text))).toBe('malformed')
  })
})

test('text comes back, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decodeText(Buffer.from(text).toString('base64url'))).toBe(text)
    }),
  )
})

test('nothing is nothing', () => {
  expect(decode('')).toHaveLength(0)
  expect(encode(new Uint8Array(0))).toBe('')
})
