import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseParameters } from './parameters.ts'

test('what a form encoder writes is read back', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 20 }),
      (form) => {
        const written = new URLSearchParams(form).toString()
        expect({ ...parseParameters(written) }).toEqual({ ...form })
      },
    ),
  )
})

test.each([
  ['a=1&a=2', 'parameter_repeated'],
  ['a=1&%61=2', 'parameter_repeated'],
  ['a=%', 'malformed'],
  ['a=%e0%80%80', 'malformed'],
  ['a=1&&b=2', 'malformed'],
  ['&', 'malformed'],
  [Array.from({ length: 65 }, (_, n) => `p${n}=`).join('&'), 'malformed'],
])('%s is refused', (text, code) => {
  expect(() => parseParameters(text)).toThrow(expect.objectContaining({ code }))
})

test('__proto__ is a parameter like others', () => {
  const form = parseParameters('__proto__=x&constructor=y')
  expect(Object.entries(form)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})
