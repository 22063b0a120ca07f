// Messages that two readers could take for different ones, and hosts that are not its own (A43).

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { json, named, people, peopleOf } from './making_people.ts'
import { sendRaw } from './raw.ts'

let authority: TestAuthority
let acme: TestOrganization

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'], settings: { requestSeconds: 4 } })
  acme = authority.organizations.acme as TestOrganization
})
afterAll(() => authority.stop())

const port = () => authority.settings.port
const { head, countOf } = peopleOf(() => acme)

describe('a message that can be read in two ways is not read at all', () => {
  const inner = () => `${head('POST', people, json)}Content-Length: 20\r\n\r\n${named('smuggled!')}`
  const smuggling: Record<string, () => string> = {
    'length and chunks': () =>
      `${head('POST', people, json)}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner()}`,
    'chunks and length': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${inner()}`,
    'two lengths': () => `${head('POST', people, json)}Content-Length: 2\r\nContent-Length: 400\r\n\r\n{}${inner()}`,
    'two equal lengths': () =>
      `${head('POST', people, json)}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${inner()}`,
    'a list of lengths': () => `${head('POST', people, json)}Content-Length: 2, 2\r\n\r\n{}${inner()}`,
    'a length with a sign': () => `${head('POST', people, json)}Content-Length: +2\r\n\r\n{}${inner()}`,
    'a length in hexadecimal': () => `${head('POST', people, json)}Content-Length: 0x2\r\n\r\n{}${inner()}`,
    'a negative length': () => `${head('POST', people, json)}Content-Length: -2\r\n\r\n{}${inner()}`,
    'a length beyond numbers': () =>
      `${head('POST', people, json)}Content-Length: 18446744073709551618\r\n\r\n{}${inner()}`,
    'a coding that is not known': () =>
      `${head('POST', people, json)}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner()}`,
    'chunks that are not last': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner()}`,
    'two codings, the last not chunks': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n${inner()}`,
    'a space before the colon': () =>
      `${head('POST', people, json)}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${inner()}`,
    'a tab before the name': () =>
      `${head('POST', people, json)}\tTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${inner()}`,
    'a folded line': () =>
      `${head('POST', people, json)}X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner()}`,
    'lines ended by LF': () =>
      `${head('POST', people, json).replaceAll('\r\n', '\n')}Content-Length: 2\n\n{}${inner()}`,
    'one line ended by LF': () => `${head('POST', people, `X: a\n${json}`)}Content-Length: 2\r\n\r\n{}${inner()}`,
    'a CR alone': () => `${head('POST', people, `X: a\rContent-Length: 2\r\n${json}`)}\r\n\r\n{}${inner()}`,
    'NUL in a value': () => `${head('POST', people, `X: a\0b\r\n${json}`)}Content-Length: 2\r\n\r\n{}${inner()}`,
    'NUL in a name': () => `${head('POST', people, `X\0: a\r\n${json}`)}Content-Length: 2\r\n\r\n{}${inner()}`,
    'a name with a space': () => `${head('POST', people, `X Y: a\r\n${json}`)}Content-Length: 2\r\n\r\n{}${inner()}`,
    'no name': () => `${head('POST', people, `: a\r\n${json}`)}Content-Length: 2\r\n\r\n{}${inner()}`,
    'a space in the target': () => `${head('POST', `${people} HTTP/1.1 x`, json)}Content-Length: 2\r\n\r\n{}${inner()}`,
    'another version': () => `${head('POST', people, json).replace('1.1', '1.9')}Content-Length: 2\r\n\r\n{}${inner()}`,
    'a chunk of a size that is none': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n${inner()}`,
    'a chunk that is longer than it says': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n${inner()}`,
    'a chunk of a negative size': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n${inner()}`,
    'a chunk of a size beyond numbers': () =>
      `${head('POST', people, json)}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff2\r\n{}\r\n0\r\n\r\n${inner()}`,
  }

  test.each(Object.entries(smuggling))('%s', async (_what, text) => {
    const before = await countOf()
    // Whoever answers such a message closes: what follows it begins nowhere.
    const { answers, closed } = await sendRaw(port(), text())
    expect(closed).toBe(true)
    expect(answers.every(({ status }) => status >= 400)).toBe(true)
    expect(answers.length).toBeLessThanOrEqual(2)
    expect(await countOf()).toBe(before)
  })

  test('what is inside a body stays inside', async () => {
    const before = await countOf()
    const name = `x ${inner()
      .slice(0, 100)
      .replaceAll(/[\r\n]/g, ' ')}`
    const body = named(name)
    const text = `${head('POST', people, json)}Content-Length: ${body.length}\r\n\r\n${body}`
    expect((await sendRaw(port(), text, 1)).answers.map(({ status }) => status)).toEqual([201])
    // A GET has no body that counts, and yet it ends where it says.
    const get = `${head('GET', people)}Content-Length: ${inner().length}\r\n\r\n${inner()}`
    const { answers } = await sendRaw(port(), `${get}${head('GET', '/healthz')}Connection: close\r\n\r\n`)
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await countOf()).toBe(before + 1)
  })

  test('requests that come at once are answered one by one, in their order', async () => {
    const paths = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? '/healthz' : n % 3 === 1 ? '/nothing' : people))
    const text = paths.map((path, n) => `${head('GET', path)}${n === 59 ? 'Connection: close\r\n' : ''}\r\n`).join('')
    const { answers } = await sendRaw(port(), text)
    expect(answers.map(({ status }) => status)).toEqual(paths.map((path) => (path === '/nothing' ? 404 : 200)))
  })
})

describe('a host that is not its own', () => {
  const get = (target: string, hosts: string[]) =>
    `GET ${target} HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}Connection: close\r\n\r\n`

  test.each([
    [421, '/healthz', ['evil.example']],
    [421, 'http://evil.example/healthz', ['localhost']],
    [421, 'http://evil.example/healthz', ['evil.example']],
    [421, 'http://localhost@evil.example/healthz', ['localhost']],
    [421, 'http://localhost/healthz', ['evil.example']],
    [400, '/healthz', ['localhost', 'evil.example']],
    [400, '/healthz', ['evil.example', 'localhost']],
    [400, '/healthz', ['localhost', 'localhost']],
    [421, '/healthz', ['']],
    [400, '/healthz', ['localhost/evil.example']],
    [400, '/healthz', ['localhost?x']],
    [400, '/healthz', ['evil.example@localhost']],
    [400, '/healthz', []],
    [404, 'ftp://localhost/healthz', ['localhost']],
    [400, 'localhost/healthz', ['localhost']],
    [200, 'http://localhost/healthz', ['localhost']],
    [200, '/healthz', ['localhost']],
  ])('%i for %j at %j', async (status, target, hosts) => {
    const { answers } = await sendRaw(port(), get(target, hosts))
    expect(answers.map((answer) => answer.status)).toEqual([status])
  })

  test('is not heard elsewhere either when there are two of them', async () => {
    const open = await startTestAuthority({ settings: { host: '0.0.0.0', origin: 'https://id.example.com' } })
    try {
      const { answers } = await sendRaw(open.settings.port, get('/healthz', ['id.example.com', 'evil.example']))
      expect(answers.map(({ status }) => status)).toEqual([400])
    } finally {
      await open.stop()
    }
  })
})
