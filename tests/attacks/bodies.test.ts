// Bodies without end, bodies that are more than they say, and headers of every kind of too much.

import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { json, named, people, peopleOf } from './making_people.ts'
import { Line, sendRaw } from './raw.ts'

let authority: TestAuthority
let acme: TestOrganization

const mostBytes = 1_048_576

beforeAll(async () => {
  authority = await startTestAuthority({
    organizations: ['acme'],
    settings: { bodyBytes: mostBytes, requestSeconds: 4 },
  })
  acme = authority.organizations.acme as TestOrganization
})
afterAll(() => authority.stop())

const port = () => authority.settings.port
const { head, countOf } = peopleOf(() => acme)
const alive = async () => {
  expect((await call(undefined, 'get', `${authority.origin}/healthz`)).status).toBe(200)
  const killed = await acme.api('post', '/v1/revocations', { id: `task:${crypto.randomUUID()}`, cause: 'test' })
  expect(killed.status).toBe(200)
}

describe('a body', () => {
  const begin = (more: string) => `${head('POST', people, json)}${more}\r\n\r\n`

  test('that says it is large is refused before it comes', async () => {
    for (const length of [mostBytes + 1, 2 ** 30, 999_999_999_999_999]) {
      const { answers } = await sendRaw(port(), `${begin(`Content-Length: ${length}`)}{`, 1)
      expect(answers.map(({ status }) => status)).toEqual([413])
    }
    await alive()
  })

  test('that comes in pieces without end is cut where it is too large', async () => {
    const line = new Line(port())
    await line.write(begin('Transfer-Encoding: chunked'))
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`
    let sent = 0
    while (!line.socket.destroyed && sent < 64 * mostBytes && line.heard().answers.length === 0) {
      await line.write(chunk)
      sent += chunk.length
    }
    const { answers } = await line.until(1)
    expect(answers.map(({ status }) => status)).toEqual([413])
    expect(sent).toBeLessThan(8 * mostBytes)
    line.socket.destroy()
    await alive()
  })

  test('in the smallest pieces, with notes and trailers, is what it is', async () => {
    const before = await countOf()
    const text = named('piecewise')
    const pieces = [...text].map((letter, n) => `1;${'x'.repeat(1 + (n % 7))}="y"\r\n${letter}\r\n`).join('')
    const trailer = 'Authorization: Bearer x\r\nHost: evil.example\r\n'
    const { answers } = await sendRaw(port(), `${begin('Transfer-Encoding: chunked')}${pieces}0\r\n${trailer}\r\n`, 1)
    expect(answers.map(({ status }) => status)).toEqual([201])
    expect(await countOf()).toBe(before + 1)
    // Notes without end are not kept.
    const notes = `1;${'x'.repeat(100_000)}\r\n`
    const noted = await sendRaw(port(), `${begin('Transfer-Encoding: chunked')}${notes}`)
    expect(noted.answers.map(({ status }) => status)).toEqual([413])
  })

  test('that is compressed is not opened', async () => {
    const bomb = Buffer.alloc(32 * mostBytes, 0x20)
    const plain = Buffer.from(named('compressed'))
    for (const [coding, bytes] of [
      ['gzip', gzipSync(bomb)],
      ['gzip', gzipSync(plain)],
      ['x-gzip', gzipSync(plain)],
      ['br', brotliCompressSync(plain)],
      ['deflate', deflateSync(plain)],
      ['identity, gzip', gzipSync(plain)],
      ['gzip, identity', gzipSync(plain)],
      ['', plain],
      ['zstd', plain],
    ] as const) {
      const response = await fetch(`${acme.issuer}/v1/people`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${acme.administratorSecret}`,
          'content-type': 'application/json',
          'content-encoding': coding,
        },
        body: bytes as BodyInit,
      })
      const taken = coding === '' ? [201, 415] : [415]
      expect([coding, response.status]).toEqual([coding, expect.toBeOneOf(taken)])
    }
    const coded = `${head('POST', people, json)}Transfer-Encoding: gzip, chunked\r\n\r\n`
    const bytes = gzipSync(plain)
    const text = Buffer.concat([
      Buffer.from(`${coded}${bytes.length.toString(16)}\r\n`),
      bytes,
      Buffer.from('\r\n0\r\n\r\n'),
    ])
    const { answers } = await sendRaw(port(), text, 1)
    expect(answers.map(({ status }) => status)).toEqual([expect.toBeOneOf([400, 415, 501])])
  })

  test('of a hundred thousand members, alike or not, is refused as any other', async () => {
    const members = (name: (n: number) => string, most = 100_000) => {
      const written: string[] = []
      let bytes = 0
      for (let n = 0; n < most && bytes < mostBytes - 100; n += 1) {
        const member = `"${name(n)}":1`
        bytes += member.length + 1
        written.push(member)
      }
      return `{${written.join(',')}}`
    }
    const deep = (open: string, close: string, n: number) => `${open.repeat(n)}1${close.repeat(n)}`
    const bodies = [
      members((n) => `k${n}`),
      members((n) => `${n}`),
      // Array indices: what some engines keep apart by a hash that can be worked out.
      members((n) => `${n * 2 ** 12}`),
      members((n) => `${4_294_967_294 - n * 8}`),
      members((n) => `__proto__${n}`),
      members((n) => (n % 2 === 0 ? 'Aa' : 'BB').repeat(1 + (n % 5)) + n.toString(36)),
      members(() => 'same'),
      members((n) => `\\u00${(n % 64).toString(16).padStart(2, '0')}${n}`, 60_000),
      deep('[', ']', 400_000),
      deep('{"a":', '}', 150_000),
      `{"name":[${'[],'.repeat(300_000)}[]]}`,
      `{"name":${'9'.repeat(1_000_000)}}`,
      `{"name":"${'\\u0061'.repeat(170_000)}"}`,
      `{"name":"${'\\ud83d\\ude00'.repeat(87_000)}"}`,
      `{"name":"${'a'.repeat(1_000_000)}"}`,
      ' '.repeat(1_000_000),
    ]
    const before = await countOf()
    const answered = bodies.map(async (body) => {
      const response = await fetch(`${acme.issuer}/v1/people`, {
        method: 'POST',
        headers: { authorization: `Bearer ${acme.administratorSecret}`, 'content-type': 'application/json' },
        body,
      })
      const text = await response.text()
      // Of a hundred thousand faults a few are told.
      expect(text.length).toBeLessThan(2_000)
      return response.status
    })
    await alive()
    // On a busy machine some of a megabyte come too slowly.
    for (const status of await Promise.all(answered)) expect([400, 408, 422]).toContain(status)
    expect(await countOf()).toBe(before)
    const form = Array.from({ length: 60_000 }, (_, n) => `p${n}=${n}`).join('&')
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const token = await fetch(`${acme.issuer}/token`, { method: 'POST', headers: type, body: form })
    expect(((await token.json()) as { error_code: string }).error_code).toBe('malformed')
    await alive()
  }, 120_000)
})

describe('headers', () => {
  test('by the hundred thousand, or of a megabyte, are refused', async () => {
    const many = (count: number, of: (n: number) => string) =>
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${Array.from({ length: count }, (_, n) => of(n)).join('')}\r\n`
    for (const text of [
      many(100_000, (n) => `x-${n}: a\r\n`),
      many(150, (n) => `x-${n}: a\r\n`),
      many(1, () => `x: ${'a'.repeat(1_000_000)}\r\n`),
      many(1, () => `${'x'.repeat(1_000_000)}: a\r\n`),
      `GET /${'a'.repeat(1_000_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    ]) {
      const { answers, closed } = await sendRaw(port(), text)
      expect(closed).toBe(true)
      // Whoever is still sending may be cut off before it hears why.
      expect([[], [431]]).toContainEqual(answers.map(({ status }) => status))
    }
    await alive()
  })

  test('none is left out unseen: a body that stands behind too many is not taken for none', async () => {
    const before = await countOf()
    for (const others of [95, 97, 98, 99, 100, 101, 200]) {
      const more = Array.from({ length: others }, (_, n) => `x-${n}: a\r\n`).join('')
      const body = named('behind')
      const text = `${head('POST', people, `${more}${json}`)}Content-Length: ${body.length}\r\n\r\n${body}`
      const [answer] = (await sendRaw(port(), text, 1)).answers
      expect([others, answer?.status]).toEqual([others, expect.toBeOneOf([201, 431])])
    }
    expect(await countOf()).toBeLessThan(before + 7)
  })

  test('called as the insides of an object are headers like any other', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '__defineGetter__']) {
      const text = head('GET', people, `${name}: x\r\n${name}: y\r\nConnection: close\r\n\r\n`)
      expect([name, (await sendRaw(port(), text)).answers.map(({ status }) => status)]).toEqual([name, [200]])
    }
  })

  test('that come letter by letter, or stop, are waited for no longer than any', async () => {
    const letters = [...head('GET', '/healthz')]
    const slow = Array.from({ length: 20 }, () => new Line(port()))
    const sending = slow.map(async (line, n) => {
      for (const letter of letters.slice(0, n * 3)) await line.write(letter)
      return line.ended()
    })
    await alive()
    for (const { answers } of await Promise.all(sending)) {
      expect([[], [408]]).toContainEqual(answers.map(({ status }) => status))
    }
  })
})
