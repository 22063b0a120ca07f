import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  agentSpiffeId,
  instanceSpiffeId,
  isAudience,
  isHandle,
  isId,
  isTask,
  newId,
  parseSpiffeId,
} from '../src/identifiers.ts'
import { outcome } from './outcome.ts'

test('an id has its prefix, 128 bits and one spelling', () => {
  const ids = Array.from({ length: 500 }, () => newId('agt'))
  expect(new Set(ids).size).toBe(500)
  for (const id of ids) {
    expect(isId(id)).toBe(true)
    expect(isId(id, 'agt')).toBe(true)
    expect(isId(id, 'ins')).toBe(false)
  }
  const id = newId('dlg')
  // The last letter carries two bits; another letter would be another spelling of the same bytes.
  for (const text of [
    `${id} `,
    `${id}A`,
    id.slice(0, -1),
    id.toUpperCase(),
    `xyz${id.slice(3)}`,
    `${id.slice(0, -1)}B`,
    '',
    `${id}\n`,
  ]) {
    expect(isId(text)).toBe(false)
  }
})

test.each([
  ['a', true],
  ['a-b', true],
  ['0', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['-a', false],
  ['a-', false],
  ['A', false],
  ['a_b', false],
  ['a.b', false],
  ['а', false],
  ['a\n', false],
  ['a/b', false],
])('handle %j: %s', (text, expected) => {
  expect(isHandle(text)).toBe(expected)
})

test.each([
  ['T-1', true],
  ['task:2026.11_a', true],
  ['x'.repeat(128), true],
  ['x'.repeat(129), false],
  ['', false],
  ['-x', false],
  ['a b', false],
  ['a/b', false],
  ['é', false],
])('task %j: %s', (text, expected) => {
  expect(isTask(text)).toBe(expected)
})

test.each([
  ['https://api.example', true],
  ['https://api.example/', true],
  ['https://api.example:8443/v1/mcp?tenant=a%2Fb', true],
  ['http://localhost:4600/o/acme/v1', true],
  ['http://127.0.0.1:8080', true],
  ['http://[::1]:8080/x', true],
  ['https://[2001:db8::1]/x', true],
  ['http://api.example', false],
  ['http://localhost.example', false],
  ['http://127.0.0.1.example', false],
  ['https://api.example#x', false],
  ['https://user@api.example', false],
  ['https://good.example\\@evil.example', false],
  ['https://API.example', false],
  ['HTTPS://api.example', false],
  ['https:///x', false],
  ['https://api.example:0/', false],
  ['https://api.example:/', false],
  ['https://bücher.example', false],
  ['https://api.example/a b', false],
  ['https://api.example/%2f', false],
  ['https://api.example/%zz', false],
  ['/relative', false],
  ['https://api.example:65535/', true],
  ['https://api.example:65536/', false],
  ['https://0x7f.1/', false],
  ['https://1.2.3.256/', false],
  ['https://[0:0::1]/', false],
  ['https://[::::]/', false],
  ['urn:x:y', false],
  ['https://api.example\n', false],
  [`https://api.example/${'a'.repeat(493)}`, false],
  ['', false],
])('audience %j: %s', (text, expected) => {
  expect(isAudience(text)).toBe(expected)
})

describe('SPIFFE IDs', () => {
  test.each([
    ['spiffe://example.org', 'example.org', []],
    ['spiffe://acme.credence.example/agent/bot', 'acme.credence.example', ['agent', 'bot']],
    ['spiffe://a_b-1.x/A.B/..c/-_', 'a_b-1.x', ['A.B', '..c', '-_']],
  ])('%s', (text, trustDomain, path) => {
    expect(parseSpiffeId(text)).toEqual({ trustDomain, path })
  })

  // A79, and the bad rows of go-spiffe's own table.
  test.each([
    'spiffe://td/a/../b',
    'spiffe://td/./a',
    'spiffe://td/..',
    'spiffe://td/%2e%2e/b',
    'spiffe://td/a%20b',
    'spiffe://td//a',
    'spiffe://td/a//b',
    'spiffe://td/',
    'spiffe://td/a/',
    'spiffe://td:443/a',
    'spiffe://td:/a',
    'spiffe://user@td/a',
    'spiffe://td/a?b',
    'spiffe://td/a#b',
    'spiffe://td?b',
    'spiffe://TD/a',
    'SPIFFE://td/a',
    'spiffe:/td/a',
    'spiffe:td',
    'spiffe://',
    'spiffe:///a',
    'https://td/a',
    'spiffe://tđ/a',
    'spiffe://td/é',
    'spiffe://td/a b',
    ' spiffe://td/a',
    'spiffe://td/a\n',
    'spiffe://td\\a',
    `spiffe://${'a'.repeat(256)}/a`,
    `spiffe://td/${'a'.repeat(2048)}`,
    '',
  ])('refused: %s', async (text) => {
    expect(await outcome(() => parseSpiffeId(text))).toBe('malformed')
  })

  test('what is accepted is spelled in one way only: a URL parser finds nothing to change', () => {
    const piece = fc.constantFrom(...'abz019.-_/:%?#@A\\\u00e9 '.split(''))
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 10 }), (parts) => {
        const text = `spiffe://td/${parts.join('')}`
        try {
          parseSpiffeId(text)
        } catch {
          return
        }
        expect(new URL(text).href).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })

  test('are built of parts that cannot reach outside their place', async () => {
    const instance = newId('ins')
    expect(agentSpiffeId('acme.example', 'bot')).toBe('spiffe://acme.example/agent/bot')
    expect(instanceSpiffeId('acme.example', 'bot', instance)).toBe(`spiffe://acme.example/agent/bot/${instance}`)
    for (const domain of ['', 'a/b', 'a?b', 'A', 'a:1', 'u@a']) {
      expect(await outcome(() => agentSpiffeId(domain, 'bot'))).toBe('malformed')
    }
    for (const part of ['', '..', 'a/b', 'a?b', 'a b', '%61']) {
      expect(await outcome(() => agentSpiffeId('acme.example', part))).toBe('malformed')
      expect(await outcome(() => instanceSpiffeId('acme.example', part, instance))).toBe('malformed')
      expect(await outcome(() => instanceSpiffeId('acme.example', 'bot', part))).toBe('malformed')
    }
  })
})
