import { expect, test } from 'vitest'
import { requireOwnOrigin } from './origin.ts'

const own = 'http://localhost:4600'

function codeOf(headers: Record<string, string>, more: { method?: string; host?: string; origin?: string } = {}) {
  const { method = 'POST', host = '127.0.0.1', origin = own } = more
  try {
    requireOwnOrigin({ method, host: undefined, headers: new Headers(headers) }, { host, origin })
    return 'let through'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test.each([
  ['localhost:4600', 'let through'],
  ['localhost', 'let through'],
  ['LOCALHOST:1', 'let through'],
  ['acme.localhost:4600', 'let through'],
  ['127.0.0.1:4600', 'let through'],
  ['127.8.8.8', 'let through'],
  ['[::1]:4600', 'let through'],
  ['evil.example:4600', 'host_unknown'],
  ['localhost.evil.example', 'host_unknown'],
  ['127.0.0.1.evil.example', 'host_unknown'],
  ['evillocalhost', 'host_unknown'],
  ['localhost@evil.example', 'host_unknown'],
  ['0.0.0.0:4600', 'host_unknown'],
  ['', 'host_unknown'],
])('on this machine only, a call to %j is %s', (named, code) => {
  expect(codeOf({ host: named }, { method: 'GET' })).toBe(code)
})

test('behind a proxy of this machine the own name is known, and elsewhere any is', () => {
  const origin = 'https://id.example.com'
  expect(codeOf({ host: 'id.example.com' }, { origin })).toBe('let through')
  expect(codeOf({ host: 'other.example.com' }, { origin })).toBe('host_unknown')
  expect(codeOf({ host: 'other.example.com' }, { origin, host: '0.0.0.0' })).toBe('let through')
})

test.each(['https://evil.example', 'null', 'http://localhost:4601', 'https://localhost:4600'])(
  'a page of %s changes nothing',
  (origin) => {
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      expect(codeOf({ host: 'localhost:4600', origin }, { host })).toBe('origin_foreign')
      for (const method of ['PUT', 'DELETE', 'PATCH']) {
        expect(codeOf({ host: 'localhost:4600', origin }, { host, method })).toBe('origin_foreign')
      }
      expect(codeOf({ host: 'localhost:4600', origin }, { host, method: 'GET' })).toBe('let through')
    }
  },
)

test('who sends the own origin, or none, is let through', () => {
  expect(codeOf({ host: 'localhost:4600', origin: own })).toBe('let through')
  expect(codeOf({ host: 'localhost:4600' })).toBe('let through')
})
