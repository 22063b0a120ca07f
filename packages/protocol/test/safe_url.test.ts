import { expect, test } from 'vitest'
import { isAudience } from '../src/identifiers.ts'
import { isSafeUrl } from '../src/safe_url.ts'

const hosts = ['a.example', 'localhost', '127.0.0.1', '127.0.0.2', '[::1]', '[::2]', 'localhost.a.example', '10.0.0.1']
const loopback = ['localhost', '127.0.0.1', '[::1]']

test('https anywhere, http on loopback hosts only; and audiences follow the same rule', () => {
  for (const host of hosts) {
    for (const place of [host, `${host}:4600`]) {
      for (const [scheme, safe] of [
        ['https', true],
        ['http', loopback.includes(host)],
      ] as const) {
        const url = `${scheme}://${place}/o/acme`
        expect(isSafeUrl(url), url).toBe(safe)
        expect(isAudience(url), url).toBe(safe)
      }
    }
  }
})

test('nothing else is a place to send a secret to', () => {
  for (const url of ['', 'a.example', '//a.example', 'ftp://localhost', 'ws://localhost', 'file:///etc/passwd']) {
    expect(isSafeUrl(url), url).toBe(false)
  }
  for (const url of ['https://user@a.example', 'https://user:word@a.example', 'http://localhost@a.example']) {
    expect(isSafeUrl(url), url).toBe(false)
  }
})
