import serialize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize, isCanonical } from '../src/canonical.ts'
import { type JsonValue, parseJson } from '../src/json.ts'
import { outcome } from './outcome.ts'
import { needsVectors, vectorNames, vectorText } from './outside_vectors.ts'

describe('RFC 8785 vectors', () => {
  needsVectors('jcs/input')
  const names = vectorNames('jcs/input')

  test.each(names.length > 0 ? names : ['(absent)'])('%s', (name) => {
    const text = canonicalize(JSON.parse(vectorText(`jcs/input/${name}`)))
    expect(text).toBe(vectorText(`jcs/output/${name}`))
    const hex = vectorText(`jcs/outhex/${name.replace('.json', '.txt')}`).replace(/\s+/g, '')
    expect(Buffer.from(text, 'utf8').toString('hex')).toBe(hex)
  })

  test('our parser reads those without numbers beyond 2^53, and canonicalizes them alike', () => {
    for (const name of names.filter((each) => each !== 'values.json')) {
      expect(canonicalize(parseJson(vectorText(`jcs/input/${name}`)))).toBe(vectorText(`jcs/output/${name}`))
    }
  })
})

test('whatever the value, it is the text the kept library writes', () => {
  const value = fc.jsonValue({ depthSize: 'medium', stringUnit: 'grapheme' })
  fc.assert(
    fc.property(value, (any) => {
      expect(canonicalize(any as JsonValue)).toBe(serialize(any))
    }),
  )
})

test('only the canonical text is canonical', () => {
  const canonical = '{"a":[1,1.5,"é"],"b":null}'
  const others = [
    '{"b":null,"a":[1,1.5,"é"]}',
    '{"a":[1,1.5,"\\u00e9"],"b":null}',
    '{"a":[1.0,1.5,"é"],"b":null}',
    '{"a":[1,15e-1,"é"],"b":null}',
    '{"a": [1,1.5,"é"],"b":null}',
    '{"a":[1,1.5,"é"],"b":null}\n',
  ]
  expect(isCanonical(canonical, parseJson(canonical))).toBe(true)
  for (const text of others) expect(isCanonical(text, parseJson(text))).toBe(false)
  expect(isCanonical('-0', parseJson('-0'))).toBe(false)
})

test('members sort by UTF-16 code unit, also those JavaScript orders its own way', () => {
  expect(canonicalize(parseJson('{"2":1,"10":2,"a":3,"\\ufb33":4,"\\ud83d\\ude00":5,"__proto__":6}'))).toBe(
    '{"10":2,"2":1,"__proto__":6,"a":3,"😀":5,"\ufb33":4}',
  )
})

test('what JSON cannot write is refused', async () => {
  expect(await outcome(() => canonicalize({ a: [Number.NaN] }))).toBe('non_finite')
  expect(await outcome(() => canonicalize(Number.POSITIVE_INFINITY))).toBe('non_finite')
  expect(await outcome(() => canonicalize({ a: '\ud800' }))).toBe('malformed')
  expect(await outcome(() => canonicalize({ '\ud800': 1 }))).toBe('malformed')
})
