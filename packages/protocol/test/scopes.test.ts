import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { covers, coversAll, formatScope, intersectScopes, isScope, parseScope, reduceScopes } from '../src/scopes.ts'
import { outcome } from './outcome.ts'

/** Few enough words that scopes meet often. */
const segment = fc.constantFrom('a', 'b', 'a-b')
const literal = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join(':'))
const wildcard = literal.map((prefix) => `${prefix}:*`)
const opaque = fc.constantFrom('a:B', 'A', 'User.Read', 'a.b', 'a::b', 'a:', '1')
const scope = fc.oneof(literal, wildcard, opaque)
const scopes = fc.uniqueArray(scope, { maxLength: 5 })

/** Every literal of up to four segments, every opaque scope: what the words above can mean. */
const universe = (() => {
  let level = ['a', 'b', 'a-b']
  const literals = [...level]
  for (let depth = 2; depth <= 4; depth++) {
    level = level.flatMap((prefix) => ['a', 'b', 'a-b'].map((last) => `${prefix}:${last}`))
    literals.push(...level)
  }
  return [...literals, 'a:B', 'A', 'User.Read', 'a.b', 'a::b', 'a:', '1']
})()

/** Written anew, to be held against `covers`: what a scope means, as the words of the universe it allows. */
function allowed(granted: readonly string[]): Set<string> {
  return new Set(
    universe.filter((word) =>
      granted.some((held) => {
        if (!held.endsWith(':*')) return held === word
        const prefix = held.split(':').slice(0, -1)
        const parts = word.split(':')
        const isLiteral = parts.every((part) => ['a', 'b', 'a-b'].includes(part))
        return isLiteral && parts.length > prefix.length && prefix.every((part, place) => part === parts[place])
      }),
    ),
  )
}

describe('what is a scope', () => {
  test.each(['repo:read', 'pr:write:draft', 'pr:*', 'openid', 'User.Read', 'a::b', ':', 'drive.Read', 'a'.repeat(256)])(
    '%s is',
    (text) => expect(isScope(text)).toBe(true),
  )

  test.each([
    ['', 'nothing'],
    ['*', 'a bare wildcard'],
    ['a:*:b', 'a wildcard in the middle'],
    ['a*', 'a wildcard that is no segment'],
    ['User:*', 'a wildcard below an opaque word'],
    [':*', 'a wildcard below nothing'],
    ['a:**', 'two stars'],
    ['a b', 'a space'],
    ['a:b\n', 'a line feed at the end'],
    ['a"b', 'a quote'],
    ['a\\b', 'a backslash'],
    ['é', 'not ASCII'],
    ['a\u0000', 'a control character'],
    ['a'.repeat(257), 'too long'],
  ])('%j is not: %s', (text) => expect(isScope(text)).toBe(false))

  test('a list has single spaces, no repetition, and at most 64 scopes', async () => {
    expect(parseScope('repo:read pr:*')).toEqual(['repo:read', 'pr:*'])
    const many = Array.from({ length: 65 }, (_, number) => `s${number}`)
    expect(parseScope(many.slice(1).join(' '))).toHaveLength(64)
    for (const text of ['', ' a', 'a ', 'a  b', 'a a', 'a\tb', '*', many.join(' '), 'a'.repeat(100_000)]) {
      expect(await outcome(() => parseScope(text))).toBe('malformed')
    }
  })

  test('what is formatted reads back as the same set', () => {
    fc.assert(
      fc.property(fc.uniqueArray(scope, { minLength: 1, maxLength: 5 }), (list) => {
        expect(parseScope(formatScope([...list, ...list]))).toEqual([...list].sort())
      }),
    )
  })
})

describe('covering', () => {
  test.each([
    ['pr:*', 'pr:write', true],
    ['pr:*', 'pr:write:draft', true],
    ['pr:*', 'pr:write:*', true],
    ['pr:*', 'pr:*', true],
    ['pr:*', 'pr', false],
    ['pr:*', 'prx:write', false],
    ['pr:*', 'pr:Write', false],
    ['pr:*', 'pr:', false],
    ['pr:write', 'pr:*', false],
    ['pr:write', 'pr:write:draft', false],
    ['User.Read', 'user.read', false],
    ['User.Read', 'User.Read', true],
    ['*', '*', false],
    ['*', 'pr:write', false],
    ['pr:*', 'pr:a:*:b', false],
    ['pr:*', 'pr:a b', false],
  ])('%s covers %s: %s', (held, wanted, expected) => expect(covers(held, wanted)).toBe(expected))

  test('is a partial order', () => {
    fc.assert(
      fc.property(scope, scope, scope, (a, b, c) => {
        expect(covers(a, a)).toBe(true)
        if (covers(a, b) && covers(b, a)) expect(a).toBe(b)
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('of lists is a partial order up to their reduced form', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        expect(coversAll(a, a)).toBe(true)
        if (coversAll(a, b) && coversAll(b, a)) expect(reduceScopes(a)).toEqual(reduceScopes(b))
        if (coversAll(a, b) && coversAll(b, c)) expect(coversAll(a, c)).toBe(true)
        expect(coversAll(a, reduceScopes(a)) && coversAll(reduceScopes(a), a)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('means what the words of the universe say', () => {
    fc.assert(
      fc.property(scopes, scopes, (granted, wanted) => {
        const may = allowed(granted)
        for (const word of universe) expect(coversAll(granted, [word])).toBe(may.has(word))
        if (coversAll(granted, wanted)) for (const word of allowed(wanted)) expect(may.has(word)).toBe(true)
      }),
    )
  })
})

describe('the intersection', () => {
  test('is covered by both sides, and loses nothing that both sides allow', () => {
    fc.assert(
      fc.property(scopes, scopes, (granted, wanted) => {
        const shared = intersectScopes(granted, wanted)
        expect(coversAll(granted, shared)).toBe(true)
        expect(coversAll(wanted, shared)).toBe(true)
        const theirs = allowed(wanted)
        expect(allowed(shared)).toEqual(new Set([...allowed(granted)].filter((word) => theirs.has(word))))
        expect(intersectScopes(wanted, granted)).toEqual(shared)
      }),
      { numRuns: 500 },
    )
  })

  test('of a wildcard and a word is the word', () => {
    expect(intersectScopes(['pr:*', 'repo:read'], ['pr:write:draft', 'repo:*', 'mail:send'])).toEqual([
      'pr:write:draft',
      'repo:read',
    ])
  })
})
