import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalizeTarget } from '../src/http_target.ts'
import { outcome } from './outcome.ts'

describe('one target in several spellings', () => {
  test.each([
    ['https://api.example', 'https://api.example/'],
    ['HTTPS://API.Example/A', 'https://api.example/A'],
    ['https://api.example:443/a', 'https://api.example/a'],
    ['https://api.example:/a', 'https://api.example/a'],
    ['http://api.example:80/a', 'http://api.example/a'],
    ['http://api.example:443/a', 'http://api.example:443/a'],
    ['https://api.example:8443/a', 'https://api.example:8443/a'],
    ['https://api.example/a?b=c', 'https://api.example/a'],
    ['https://api.example/a#b', 'https://api.example/a'],
    ['https://api.example?b#c', 'https://api.example/'],
    ['https://api.example/a?b?c/../d', 'https://api.example/a'],
    ['https://api.example/%7euser/%2f', 'https://api.example/~user/%2F'],
    ['https://api.example/%61%62', 'https://api.example/ab'],
    ['https://api.example/a/./b/../c', 'https://api.example/a/c'],
    ['https://api.example/a/..', 'https://api.example/'],
    ['https://api.example/a/.', 'https://api.example/a/'],
    ['https://api.example/../../a', 'https://api.example/a'],
    ['https://api.example/a/%2e%2E/b', 'https://api.example/b'],
    ['https://api.example/a//b/', 'https://api.example/a//b/'],
    ['https://api.example/..a/.b/c.', 'https://api.example/..a/.b/c.'],
    ['https://[2001:DB8::1]:443/a', 'https://[2001:db8::1]/a'],
    ['http://localhost:4600/o/acme/token', 'http://localhost:4600/o/acme/token'],
  ])('%s', (uri, normal) => {
    expect(normalizeTarget(uri)).toBe(normal)
    expect(normalizeTarget(normal)).toBe(normal)
  })
})

describe('different targets', () => {
  const target = 'https://api.example/v1/pay'
  test.each([
    'https://api.example/v1/pay/',
    'https://api.example/v1/Pay',
    'https://api.example/v1/payroll',
    'https://api.example/v1/%70ay%20',
    'https://api.example/v1%2Fpay',
    'https://api.example//v1/pay',
    'https://api.example/v1/pay;x',
    'http://api.example/v1/pay',
    'https://api.example:8443/v1/pay',
    'https://api.example:0443/v1/pay',
    'https://api.example./v1/pay',
    'https://api.example.evil/v1/pay',
  ])('%s', (uri) => {
    expect(normalizeTarget(uri)).not.toBe(normalizeTarget(target))
  })
})

test.each([
  '',
  '/v1/pay',
  'api.example/v1',
  'ftp://api.example/',
  'https:/api.example/',
  'https:///v1',
  'https://?x',
  'https://user@api.example/',
  'https://api.example@evil.example/',
  'https://good.example\\@evil.example/',
  'https://api.example\\v1',
  'https://api.example/a\\b',
  'https://api.example/a b',
  'https://api.example/\n',
  ' https://api.example/',
  'https://api.example/é',
  'https://①②⑦.0.0.1/',
  'https://api.example/100%',
  'https://api.example/%4%41',
  'https://api.example/%zz',
  'https://api.example:80a/',
  'https://api.example:80:80/',
  'https://[::1/',
  'https://::1/',
  'https://a b/',
  `https://api.example/${'a'.repeat(8192)}`,
])('no target at all: %j', async (uri) => {
  expect(await outcome(() => normalizeTarget(uri))).toBe('malformed')
})

test('what is equal here is equal to the platform too, so nothing is confused that a server tells apart', () => {
  const piece = fc.constantFrom('a', 'b', '.', '..', '/', '//', '%2e', '%2F', '%61', '%41', ';', ':', '~', '%7E')
  const path = fc.array(piece, { maxLength: 6 }).map((parts) => `https://api.example/${parts.join('')}`)
  fc.assert(
    fc.property(path, (uri) => {
      const normal = normalizeTarget(uri)
      expect(normalizeTarget(normal)).toBe(normal)
      // Beyond what the platform does, only escapes of unreserved characters are resolved (RFC 3986 section 6.2.2.2).
      const theirs = new URL(uri).pathname.replace(/%(?:61|41|7E|2e)/gi, (triplet) => decodeURIComponent(triplet))
      expect(new URL(normal).pathname).toBe(new URL(`https://api.example${theirs}`).pathname)
    }),
    { numRuns: 1000 },
  )
})
