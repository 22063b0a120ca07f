import { connect } from 'node:net'
import { endpoints } from '@credence/authority'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'

let authority: TestAuthority
let acme: TestOrganization

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme'] })
  acme = authority.organizations.acme as TestOrganization
})
afterAll(() => authority.stop())

/** A request as it is, with the administrator's secret. */
function send(path: string, init: RequestInit & { duplex?: 'half' } = {}) {
  const headers = { authorization: `Bearer ${acme.administratorSecret}`, ...(init.headers as Record<string, string>) }
  return fetch(`${acme.issuer}${path}`, { ...init, headers })
}

const json = { 'content-type': 'application/json' }

test('a path without a row is 404, and another method 405 with those allowed', async () => {
  for (const path of ['/v1/nothing', '/v1/agents/', '//v1/agents', '/v1/agents/a/b', '/V1/agents', '/']) {
    const { status, body } = await acme.api('get', path)
    expect([path, status, body.code]).toEqual([path, 404, 'not_found'])
  }
  const answer = await acme.api('put', '/v1/agents')
  expect([answer.status, answer.body.code]).toEqual([405, 'method_not_allowed'])
  expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'POST'])
  for (const method of ['OPTIONS', 'DELETE']) {
    expect((await fetch(`${authority.origin}/healthz`, { method })).status).toBe(405)
  }
  const override = { ...json, 'x-http-method-override': 'DELETE' }
  expect((await send('/v1/people', { method: 'POST', headers: override, body: '{"name":"N"}' })).status).toBe(201)
})

test('a refusal is RFC 9457, with a code and a hint, and nothing of what was sent', async () => {
  const answer = await acme.api('post', '/v1/people', { name: 'canary-value-1', admin: 'canary-value-2' })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({
    type: 'urn:credence:refusal:validation_failed',
    status: 422,
    code: 'validation_failed',
    detail: 'body has members that are not known (known are: name, permissions).',
  })
  const places = await acme.api('post', '/v1/people', {
    name: 7,
    permissions: [{ resource: 'https://x.example', scope: 'canary value' }, { 'canary-key': 1 }],
  })
  expect(places.body.detail).toContain('body.name must be string')
  expect(places.body.detail).toContain('body.permissions[1].resource')
  expect(JSON.stringify([answer.body, places.body])).not.toContain('canary')
})

test('bodies that two readers could understand differently are refused', async () => {
  const post = async (body: string | Uint8Array, headers: Record<string, string> = json) => {
    const answer = await send('/v1/people', { method: 'POST', headers, body: body as BodyInit })
    return [answer.status, ((await answer.json()) as { code: string }).code]
  }
  expect(await post('{"name":"A","name":"B"}')).toEqual([400, 'duplicate_member'])
  expect(await post('{"name":"A","n\\u0061me":"B"}')).toEqual([400, 'duplicate_member'])
  expect(await post('{"name":"A","__proto__":{"permissions":[]}}')).toEqual([422, 'validation_failed'])
  expect(await post('{"name":"A","constructor":{}}')).toEqual([422, 'validation_failed'])
  expect((await post('{"name":"\\ud800"}'))[0]).toBe(400)
  expect((await post(new Uint8Array([0x7b, 0xff, 0x7d])))[0]).toBe(400)
  expect((await post('{"name":"A"} trailing'))[0]).toBe(400)
  expect((await post('\ufeff{"name":"A"}'))[0]).toBe(400)
  expect((await post(`{"name":${'['.repeat(100)}1${']'.repeat(100)}}`))[0]).toBe(400)
  expect((await post('["name"]'))[0]).toBe(422)
  expect(await post('{"name":"A"}', { 'content-type': 'text/plain' })).toEqual([415, 'unsupported_media_type'])
  expect(await post('{"name":"A"}', {})).toEqual([415, 'unsupported_media_type'])
  expect((await post('{"name":"A"}', { 'content-type': 'application/json; charset=utf-16' }))[0]).toBe(415)
  expect((await post('{"name":"A"}', { ...json, 'content-encoding': 'gzip' }))[0]).toBe(415)
  expect(await post('{"name":"A"}', { 'content-type': 'Application/JSON;charset="UTF-8"' })).toEqual([201, undefined])
})

test('control and direction characters never get into a name', async () => {
  for (const name of ['a\u0000', 'a\nb', '\u001b[31mred', 'a\u2028b']) {
    expect((await acme.api('post', '/v1/people', { name })).body.code).toBe('validation_failed')
  }
})

test('a body is never read beyond its limit, whatever it says of its length', async () => {
  const large = JSON.stringify({ name: 'x'.repeat(70_000) })
  const declared = await send('/v1/people', { method: 'POST', headers: json, body: large })
  expect(declared.status).toBe(413)
  let sent = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1
      controller.enqueue(new Uint8Array(16_384).fill(0x20))
    },
  })
  const streamed = send('/v1/people', { method: 'POST', headers: json, body: endless, duplex: 'half' })
  // Node may cut the connection of a peer that goes on sending.
  expect([413, 'cut']).toContain(await streamed.then(({ status }) => status).catch(() => 'cut'))
  expect(sent).toBeLessThan(1_000)
})

test('parameters are given once, correctly escaped, and known', async () => {
  const code = async (query: string) => (await acme.api('get', `/v1/people?${query}`)).body.code
  expect(await code('limit=1&limit=2')).toBe('parameter_repeated')
  expect(await code('limit=1&li%6dit=2')).toBe('parameter_repeated')
  expect(await code('limit=%zz')).toBe('malformed')
  expect(await code('limit=%ff')).toBe('malformed')
  expect(await code('&')).toBe('malformed')
  expect(await code('other=1')).toBe('validation_failed')
  expect(await code('limit=0')).toBe('validation_failed')
  expect(await code('limit=1e2')).not.toBe('internal_error')
  expect((await acme.api('get', '/v1/agents/none?x=1')).body.code).toBe('validation_failed')
})

test('a trace goes on with the id it came with, into the answer, the log and the record', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const headers = { ...json, traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
  const answer = await send('/v1/people', { method: 'POST', headers, body: '{"name":"Traced"}' })
  expect(answer.headers.get('traceresponse')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
  expect(authority.log.some((line) => line.includes(`"trace_id":"${traceId}"`))).toBe(true)
  await expect
    .poll(async () => JSON.stringify((await acme.api('get', '/v1/audit/records?limit=500')).body))
    .toContain(`"trace_id":"${traceId}"`)
  for (const traceparent of ['00-0-0-00', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, 'x\tinjected']) {
    const other = await send('/v1/people?limit=1', { headers: { traceparent } })
    expect(other.headers.get('traceresponse')).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  }
})

test('a request is one log line, and no line holds a secret, a query or a body', async () => {
  const canary = 'canary9f3d'
  await acme.api('post', '/v1/people', { name: canary })
  await acme.api('get', `/v1/people?cursor=${canary}`)
  await acme.api('get', `/v1/agents/${canary}`)
  await acme.api('get', `/${canary}%0a%1b[31m`)
  await call(`credence_adm_${canary}`, 'get', `${acme.issuer}/v1/people`)
  const lines = authority.log.join('')
  expect(lines).not.toContain(canary)
  expect(lines).not.toContain('credence_')
  const line = JSON.parse(authority.log.findLast((line) => line.includes('GET /v1/people')) ?? '{}')
  expect(line).toMatchObject({ route: 'GET /v1/people', status: 401, refusal: 'unauthorized', organization: acme.id })
  expect(line.ms).toBeTypeOf('number')
})

test('refusals at the door are counted into the log', async () => {
  await call('credence_adm_wrong', 'get', `${acme.issuer}/v1/people`)
  await authority.restart()
  const { body } = await acme.api('get', '/v1/audit/records?type=refusals.counted')
  expect(body.records.map(({ leaf }: { leaf: { reasons: string[] } }) => leaf.reasons[0])).toContain('unauthorized')
})

test('the OpenAPI document is the table: nothing more, nothing less', async () => {
  const { body: document } = await call(undefined, 'get', `${authority.origin}/openapi.json`)
  expect(document.openapi).toBe('3.1.1')
  const described = Object.entries(document.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => method !== 'servers')
      .map((method) => `${method} ${path}`),
  )
  const rows = endpoints.map(({ method, path }) => `${method} ${path}`)
  expect(described.sort()).toEqual([...rows, 'get /openapi.json'].sort())
  const operations = Object.values(document.paths as Record<string, Record<string, { operationId?: string }>>)
  const ids = operations.flatMap((path) => Object.values(path).flatMap(({ operationId }) => operationId ?? []))
  expect(new Set(ids).size).toBe(ids.length)
  const register = document.paths['/v1/agents'].post.requestBody.content['application/json'].schema
  expect(register.additionalProperties).toBe(false)
  expect(register.required).toEqual(expect.arrayContaining(['handle', 'owner', 'purpose']))
})

test('every row answers on its path, so none is only described', async () => {
  for (const { method, path, at } of endpoints) {
    const url = `${at === 'origin' ? authority.origin : acme.issuer}${path.replaceAll(/\{\w+\}/g, 'x')}`
    const { status, body } = await call(undefined, method, url)
    expect([method, path, body?.code]).not.toEqual([method, path, 'method_not_allowed'])
    if (status === 404) expect(path).toMatch(/\{/)
  }
})

test('it says that it is well, and that it is ready', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const { status, body } = await call(undefined, 'get', `${authority.origin}${path}`)
    expect([status, body]).toEqual([200, { status: 'ok' }])
  }
})

test('headers without end, and requests that never end, are cut off', async () => {
  const { port } = authority.settings
  const refused = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
      for (let n = 0; n < 2_000; n += 1) socket.write(`X-Filler-${n}: ${'y'.repeat(64)}\r\n`)
    })
    socket.on('data', (data) => resolve(data.toString().split('\r\n')[0] ?? ''))
    socket.on('error', () => resolve('cut'))
    socket.on('close', () => resolve('cut'))
  })
  expect(['HTTP/1.1 431 Request Header Fields Too Large', 'cut']).toContain(refused)
})
