// A43 of the attack list: messages that two readers could understand differently, byte by byte. Whoever stands before the authority, or before a
// resource, may go by the other reading.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDpopProof } from '@credence/protocol'
import { protect } from '@credence/sdk/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seconds } from '../cast.ts'
import { sendRaw } from './raw.ts'
import { api, assertionOf, itself, type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'

let stage: Stage
let shop: Server

beforeAll(async () => {
  stage = await setStage()
  shop = createServer(protect(stage.verifier, { scope: 'a:read' }, (_request, response) => void response.end('let in')))
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  shop.close()
  await stage.stop()
})

type Message = { line: string; headers: string[]; body: string }

const written = ({ line, headers, body }: Message) => `${line}\r\n${headers.join('\r\n')}\r\n\r\n${body}`

/** A good request for a token, complete. */
async function tokenRequest(): Promise<Message> {
  const { agent, acme } = stage
  const body = new URLSearchParams({ ...(await assertionOf(stage, agent)), ...itself }).toString()
  const { pathname, host } = new URL(`${acme.issuer}/token`)
  const headers = [
    `Host: ${host}`,
    'Connection: close',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
  ]
  return { line: `POST ${pathname} HTTP/1.1`, headers, body }
}

const chunked = (body: string, size = body.length.toString(16)) => `${size}\r\n${body}\r\n0\r\n\r\n`
const without = (headers: string[], name: string) => headers.filter((header) => !header.startsWith(name))
const smuggled = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Each makes two messages of one, for two readers. */
const ambiguous: Record<string, (good: Message) => Message> = {
  'two lengths': (good) => ({ ...good, headers: [...good.headers, 'Content-Length: 1'] }),
  'the same length twice': (good) => ({ ...good, headers: [...good.headers, `Content-Length: ${good.body.length}`] }),
  'a list of lengths': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), `Content-Length: ${good.body.length}, 1`],
  }),
  'a length with a sign': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), `Content-Length: +${good.body.length}`],
  }),
  'a length in hexadecimal': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), `Content-Length: 0x${good.body.length.toString(16)}`],
  }),
  'a length and chunks': (good) => ({
    ...good,
    headers: [...good.headers, 'Transfer-Encoding: chunked'],
    body: chunked(good.body),
  }),
  'chunks, and another request behind them': (good) => ({
    ...good,
    headers: [...good.headers, 'Transfer-Encoding: chunked'],
    body: `0\r\n\r\n${smuggled}`,
  }),
  'chunks twice': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    body: chunked(good.body),
  }),
  'chunks that are not last': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), 'Transfer-Encoding: chunked, gzip'],
    body: chunked(good.body),
  }),
  'an encoding that sounds like chunks': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), 'Transfer-Encoding: xchunked'],
    body: chunked(good.body),
  }),
  'a chunk with a sign in its size': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), 'Transfer-Encoding: chunked'],
    body: chunked(good.body, `+${good.body.length.toString(16)}`),
  }),
  'a chunk with 0x before its size': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-L'), 'Transfer-Encoding: chunked'],
    body: chunked(good.body, `0x${good.body.length.toString(16)}`),
  }),
  'a folded header': (good) => ({
    ...good,
    headers: [...without(good.headers, 'Content-T'), 'Content-Type:\r\n application/x-www-form-urlencoded'],
  }),
  'a folded line after a header': (good) => ({
    ...good,
    headers: [...good.headers, 'X-A: b\r\n Transfer-Encoding: chunked'],
  }),
  'a space before a colon': (good) => ({ ...good, headers: [...good.headers, 'Transfer-Encoding : chunked'] }),
  'a space before a name': (good) => ({ ...good, headers: [' X: y', ...good.headers] }),
  'a line feed alone': (good) => ({ ...good, headers: [...good.headers, 'X-A: b\nTransfer-Encoding: chunked'] }),
  'a carriage return alone': (good) => ({ ...good, headers: [...good.headers, 'X-A: b\rTransfer-Encoding: chunked'] }),
  'a zero byte in a header': (good) => ({ ...good, headers: [...good.headers, 'X-A: b\0c'] }),
  'a header without a name': (good) => ({ ...good, headers: [...good.headers, ': x'] }),
  'a header without a colon': (good) => ({ ...good, headers: [...good.headers, 'X'] }),
  'two hosts': (good) => ({ ...good, headers: [...good.headers, 'Host: evil.example'] }),
  'no host': (good) => ({ ...good, headers: without(good.headers, 'Host') }),
  'two media types': (good) => ({ ...good, headers: [...good.headers, 'Content-Type: application/json'] }),
  'two proofs': (good) => ({ ...good, headers: [...good.headers, 'DPoP: a.b.c', 'DPoP: a.b.c'] }),
  'a proof that is empty': (good) => ({ ...good, headers: [...good.headers, 'DPoP:'] }),
  'two credentials': (good) => ({
    ...good,
    headers: [...good.headers, 'Authorization: Basic YTpi', 'Authorization: Basic YTpi'],
  }),
  'a version that there is not': (good) => ({ ...good, line: good.line.replace('1.1', '9.9') }),
  'a version with a space': (good) => ({ ...good, line: good.line.replace('HTTP/1.1', 'HTTP/1.1 x') }),
  'a target with a space': (good) => ({ ...good, line: good.line.replace('/token', '/token x') }),
  'a target with a zero byte': (good) => ({ ...good, line: good.line.replace('/token', '/token\0') }),
}

describe('at the authority', () => {
  const port = () => stage.authority.settings.port

  test('what is not ambiguous is answered', async () => {
    const { answers } = await sendRaw(port(), written(await tokenRequest()), 1)
    expect(answers.map(({ status }) => status)).toEqual([200])
    const good = await tokenRequest()
    const pieces = {
      ...good,
      headers: [...without(good.headers, 'Content-L'), 'Transfer-Encoding: chunked'],
      body: chunked(good.body),
    }
    expect((await sendRaw(port(), written(pieces), 1)).answers.map(({ status }) => status)).toEqual([200])
  })

  test.each(Object.entries(ambiguous))('%s: refused, once, and nothing comes of it', async (_what, make) => {
    const bytes = written(make(await tokenRequest()))
    const changes = await changesBy(stage.authority, async () => {
      const { answers, rest } = await sendRaw(port(), Buffer.from(bytes, 'latin1'))
      expect([answers.length, rest]).toEqual([1, ''])
      const [{ status, body } = { status: 0, body: '' }] = answers
      expect([status >= 400 && status < 500, status]).toEqual([true, status])
      expect(body).not.toMatch(/eyJ|credence_/)
    })
    // A proof is looked at once the client is known.
    expect([{}, { 'used assertion': 1, 'record token.refused': 1 }]).toContainEqual(changes)
  })
})

describe('at a resource, behind a server of its own', () => {
  const call = async (change: (headers: string[], again: () => Promise<string>) => Promise<string[]> | string[]) => {
    const { agent, cast, nonce } = stage
    const token = await cast.token(agent, api)
    const proof = () =>
      createDpopProof(agent.key, { method: 'GET', url: `${api}x`, now: seconds(), accessToken: token, nonce })
    const headers = ['Host: api.example', 'Connection: close', `Authorization: DPoP ${token}`, `DPoP: ${await proof()}`]
    const changed = await change(headers, proof)
    const bytes = written({ line: 'GET /x HTTP/1.1', headers: changed, body: '' })
    const { answers } = await sendRaw((shop.address() as AddressInfo).port, Buffer.from(bytes, 'latin1'))
    return answers.map(({ status, body }) => (body === 'let in' ? body : status))
  }

  test('what is not ambiguous is let in', async () => {
    expect(await call((headers) => headers)).toEqual(['let in'])
  })

  const wrong: Record<string, Parameters<typeof call>[0]> = {
    'two credentials, the first of them good': (headers) => [...headers, 'Authorization: Bearer x.y.z'],
    'two credentials, the second of them good': ([host = '', ...headers]) => [
      host,
      'Authorization: Bearer x.y.z',
      ...headers,
    ],
    'the same credential twice': (headers) => [...headers, headers[2] as string],
    'two proofs, both good': async (headers, again) => [...headers, `DPoP: ${await again()}`],
    'a good proof and an empty one': (headers) => [...headers, 'DPoP:'],
    'proofs joined by a comma': async (headers, again) => [...headers.slice(0, 3), `${headers[3]},${await again()}`],
    'a credential that is folded': (headers) => headers.map((header) => header.replace('DPoP ey', 'DPoP\r\n ey')),
    'a credential under a name with an underscore': (headers) =>
      headers.map((header) => header.replace('Authorization', 'Authori_zation')),
    'a proof under a name with an underscore': (headers) => headers.map((header) => header.replace(/^DPoP/, 'D_PoP')),
    'a credential in another header': (headers) =>
      headers.map((header) => header.replace(/^Authorization/, 'X-Authorization')),
    'a tab between scheme and token': (headers) => headers.map((header) => header.replace('DPoP ey', 'DPoP\tey')),
    'a zero byte in the credential': (headers) => headers.map((header) => header.replace('DPoP ey', 'DPoP ey\0')),
  }

  test.each(Object.entries(wrong))('%s', async (_what, change) => {
    const [answer, ...more] = await call(change)
    expect([answer === 400 || answer === 401, answer, more]).toEqual([true, answer, []])
  })
})
