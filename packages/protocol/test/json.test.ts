import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isJsonObject, type JsonValue, parseJson, parseJsonBytes } from '../src/json.ts'
import { outcome } from './outcome.ts'

/** JSON values that every parser reads the same. */
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    fc.double({ min: -1e15, max: 1e15, noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 10 }), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value

/** The text with each character of each string written as an escape. */
function escaped(text: string): string {
  const spell = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return text.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => `"${(JSON.parse(quoted) as string).replace(/[\s\S]/g, spell)}"`)
}

describe('what every parser reads the same', () => {
  test('reads as JSON.parse does, whatever the white space and the escapes', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t', ' \n\r'), (value, space) => {
        const text = JSON.stringify(value, null, space)
        // Through JSON once more, since objects here have no prototype.
        expect(JSON.parse(JSON.stringify(parseJson(text)))).toEqual(JSON.parse(text))
        expect(JSON.stringify(parseJson(escaped(text)))).toBe(JSON.stringify(parseJson(text)))
        expect(JSON.stringify(parseJsonBytes(new TextEncoder().encode(text)))).toBe(JSON.stringify(parseJson(text)))
      }),
    )
  })

  test('is never accepted where JSON.parse refuses', () => {
    const alphabet = fc.constantFrom(...'{}[]",:\\u0019eE+-. \ntrufalsn/"\u0000\ufeff'.split(''))
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        let ours: unknown
        try {
          ours = parseJson(text)
        } catch {
          return
        }
        expect(JSON.stringify(ours)).toBe(JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 3000 },
    )
  })

  // V8's JSON.parse takes any escaped name for `\\` once it has read an object of the same shape with that name (nodejs/node#63785).
  test('is read the same whatever was read before', () => {
    const texts = ['{"a":1,"\\\\":0}', '{"a":1,"\\u0062":2}', '{"a":1,"\\n":3}', '{"a":1,"\\"":4}']
    const names = texts.map((text) => Object.keys(parseJson(text) ?? {})[1])
    expect(names).toEqual(['\\', 'b', '\n', '"'])
  })

  test('is refused after any one character of it is cut off', async () => {
    const text = '{"a":[1,-2.5e3,"x\\u00e9",true,false,null],"b":{"c":{}}}'
    for (let length = 0; length < text.length; length++) {
      expect(await outcome(() => parseJson(text.slice(0, length)))).toBe('malformed')
    }
  })
})

describe('what parsers disagree on', () => {
  test('the same member twice, also when one is spelled with escapes', async () => {
    expect(await outcome(() => parseJson('{"aud":"a","aud":"b"}'))).toBe('duplicate_member')
    expect(await outcome(() => parseJson('{"x":[{"aud":1,"\\u0061ud":1}]}'))).toBe('duplicate_member')
    expect(await outcome(() => parseJson('{"__proto__":1,"__proto__":2}'))).toBe('duplicate_member')
    expect(await outcome(() => parseJson('{"":1,"":2}'))).toBe('duplicate_member')
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.boolean(),
        async (names, pick, spell) => {
          const again = JSON.stringify(names[pick % names.length])
          const members = names.map((name) => `${JSON.stringify(name)}:0`)
          const text = `{${members.join(',')},${spell ? escaped(again) : again}:0}`
          expect(await outcome(() => parseJson(text))).toBe('duplicate_member')
        },
      ),
    )
  })

  test.each(['{}', '[{}]'])('the same name in two objects is no duplicate: %s', (wrapper) => {
    const text = wrapper.replace('{}', '{"a":{"a":{"a":1}},"b":{"a":2}}')
    expect(JSON.stringify(parseJson(text))).toBe(text)
  })

  test.each([
    ['1e400', 'non_finite'],
    ['-1e400', 'non_finite'],
    ['NaN', 'non_finite'],
    ['Infinity', 'non_finite'],
    ['-Infinity', 'non_finite'],
    ['9007199254740991', 'accepted'],
    ['-9007199254740991', 'accepted'],
    ['9007199254740992', 'malformed'],
    ['9007199254740993', 'malformed'],
    ['-9007199254740992', 'malformed'],
    ['1e21', 'malformed'],
    ['1.5e300', 'malformed'],
    ['01', 'malformed'],
    ['-', 'malformed'],
    ['+1', 'malformed'],
    ['.5', 'malformed'],
    ['5.', 'malformed'],
    ['1e', 'malformed'],
    ['0x10', 'malformed'],
    ['1_000', 'malformed'],
    ['-0', 'accepted'],
    ['1E-7', 'accepted'],
  ])('the number %s: %s', async (number, expected) => {
    for (const text of [number, `[${number}]`, `{"exp":${number}}`]) {
      expect(await outcome(() => parseJson(text))).toBe(expected)
    }
  })

  test.each([
    '"\\ud800"',
    '"\\udc00"',
    '"\\udc00\\ud800"',
    '"\\ud800x"',
    '"\ud800"',
    '{"\\ud800":1}',
    '"\\ud83d\\u0041"',
  ])('a string that is half a pair: %s', async (text) => {
    expect(await outcome(() => parseJson(text))).toBe('malformed')
  })

  test('a whole pair, escaped or not, is one character', () => {
    expect(parseJson('"\\ud83d\\ude00"')).toBe('😀')
    expect(parseJson('"😀"')).toBe('😀')
    // Half of the pair as itself and half as an escape: the text is not well formed.
    expect(() => parseJson('"\ud83d\\ude00"')).toThrow()
  })

  test.each([
    '\ufeff{}',
    '{} x',
    '{}{}',
    '{},',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '{a:1}',
    "{'a':1}",
    '{"a" 1}',
    '{"a":}',
    '// x\n1',
    '"\t"',
    '"\u0000"',
    '"\\x41"',
    '"\\u12"',
    '"\\',
    '"\\"',
    'True',
    'nul',
    'undefined',
    '',
    ' ',
    '\u00a01',
    '[1}',
    '{"a":1]',
  ])('what is not JSON: %j', async (text) => {
    expect(await outcome(() => parseJson(text))).toBe('malformed')
  })

  test('bytes that are not UTF-8, or begin with a byte order mark', async () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xef, 0xbb, 0xbf, 0x31],
    ]) {
      expect(await outcome(() => parseJsonBytes(Uint8Array.from(bytes)))).toBe('malformed')
    }
  })
})

describe('members with names that mean something to JavaScript', () => {
  test('are members and nothing more', () => {
    const value = parseJson('{"__proto__":{"admin":true},"constructor":1,"toString":2,"hasOwnProperty":3}')
    if (!isJsonObject(value)) throw new Error('not an object')
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    expect(value.admin).toBeUndefined()
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
    const inherited = Object.getPrototypeOf(value)
    expect([Reflect.ownKeys(inherited), Object.getPrototypeOf(inherited), Object.isFrozen(inherited)]).toEqual([
      [],
      null,
      true,
    ])
  })

  test('are absent when they are not there', () => {
    const value = parseJson('{}')
    if (!isJsonObject(value)) throw new Error('not an object')
    for (const name of ['constructor', 'toString', '__proto__', 'valueOf']) expect(value[name]).toBeUndefined()
  })
})

describe('bounds', () => {
  test('size is counted in bytes, before anything is read', async () => {
    const text = `"${'é'.repeat(100)}"`
    expect(await outcome(() => parseJson(text, { maxBytes: 202 }))).toBe('accepted')
    expect(await outcome(() => parseJson(text, { maxBytes: 201 }))).toBe('too_large')
    expect(await outcome(() => parseJson('['.repeat(20_000)))).toBe('too_large')
    expect(await outcome(() => parseJsonBytes(new Uint8Array(16_385)))).toBe('too_large')
  })

  test('depth', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    expect(await outcome(() => parseJson(nested(16)))).toBe('accepted')
    expect(await outcome(() => parseJson(nested(17)))).toBe('too_deep')
    expect(await outcome(() => parseJson(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`))).toBe('too_deep')
    // Refused long before a stack could overflow, whatever the size allowed.
    expect(await outcome(() => parseJson('['.repeat(200_000), { maxBytes: 1e9 }))).toBe('too_deep')
    // Siblings do not add up.
    expect(await outcome(() => parseJson(`[${'[],'.repeat(50)}[]]`, { maxDepth: 2 }))).toBe('accepted')
  })

  test('members, all levels together', async () => {
    expect(await outcome(() => parseJson('{"a":[1,2],"b":3}', { maxMembers: 4 }))).toBe('accepted')
    expect(await outcome(() => parseJson('{"a":[1,2],"b":3}', { maxMembers: 3 }))).toBe('too_large')
  })

  test('a refusal says where, and repeats nothing', async () => {
    expect.assertions(2)
    try {
      parseJson('{"secret": hunter2}')
    } catch (error) {
      expect(String(error)).not.toContain('hunter2')
      expect(error).toMatchObject({ detail: 'At character 11.' })
    }
  })
})
