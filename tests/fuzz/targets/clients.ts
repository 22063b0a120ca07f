// What the command line and the SDK read: files of theirs, and what an authority, or whoever stands in its place, answers.

import { strict as assert } from 'node:assert'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { base64url, isJsonArray, isJsonObject, isSafeUrl, leafHash, rootOf } from '@credence/protocol'
import { checkLog } from '../../../packages/cli/src/audit_log.ts'
import { type Connection, issuerOf, refusalOf } from '../../../packages/cli/src/connection.ts'
import { Failure } from '../../../packages/cli/src/failure.ts'
import { printable } from '../../../packages/cli/src/output.ts'
import { readProfile } from '../../../packages/cli/src/profile.ts'
import { refusePassword } from '../../../packages/cli/src/store_url.ts'
import {
  constraint,
  constraintText,
  milliseconds,
  permission,
  seconds,
  waiting,
} from '../../../packages/cli/src/words.ts'
import { accept } from '../../../sdks/typescript/src/agent/delegation.ts'
import { metadataUrl } from '../../../sdks/typescript/src/metadata.ts'
import { type Runtime, systemClock } from '../../../sdks/typescript/src/runtime.ts'
import { assertForm, readCredential } from '../../../sdks/typescript/src/verifier/credential.ts'
import { readEvents, type ServerEvent } from '../../../sdks/typescript/src/verifier/event_stream.ts'
import { KeySet } from '../../../sdks/typescript/src/verifier/key_set.ts'
import { Registration } from '../../../sdks/typescript/src/verifier/registration.ts'
import { read, readNow, type Target, textOf, valuesOf } from '../target.ts'
import { compactOf, testKey, wrap } from './keys.ts'

const issuer = 'https://id.example.com'
const signer = await testKey('k1', 'EdDSA')
const publicJwk = { ...signer.publicJwk, kid: 'k1' }

/** What goes to a person's terminal instead of a result: a failure with a code and a bounded sentence. */
async function told<T>(
  reader: () => T | Promise<T>,
): Promise<{ value: T; refused?: undefined } | { refused: string; value?: undefined }> {
  try {
    return await read(reader)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    assert.match(error.code, /^[a-z][a-z0-9_]{0,63}$/)
    return { refused: error.code }
  }
}

const directory = mkdtempSync(join(tmpdir(), 'credence-fuzz-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const file = join(directory, 'cli.json')

const profile: Target = {
  name: 'cli_profile',
  form: 'json',
  seeds: [
    '{"issuer":"https://id.example.com","administrator_secret":"credence_adm_x","installation_secret":""}',
    '{"issuer":"http://localhost:4600/"}',
  ],
  sources: ['packages/cli/src/profile.ts'],
  share: 0.5,
  async check(input) {
    writeFileSync(file, input)
    const ours = await told(() => readProfile(file))
    if (ours.refused !== undefined) return ours.refused
    assert.ok(ours.value)
    const { issuer: named, administrator_secret: one = '', installation_secret: other = '' } = ours.value
    for (const each of [named, one, other]) assert.equal(typeof each, 'string')
    const connected = await told(() => issuerOf({ profile: file }, {}))
    if (connected.value !== undefined) assert.ok(!connected.value.endsWith('/') || named.endsWith('//'))
    return `accepted ${isSafeUrl(named)}`
  },
}

const leaves = [0, 1, 2].map((byte) => Uint8Array.of(byte))
const root = base64url.encode(await rootOf(await Promise.all(leaves.map(leafHash))))
const org = `org_${'o'.repeat(21)}A`
const logHead = compactOf(
  signer,
  '{"alg":"EdDSA","kid":"k1","typ":"log-head+jwt"}',
  JSON.stringify({ iss: issuer, org, size: 3, root, at_ms: 1 }),
)
const record = (position: number) => ({
  position,
  id: `aud_${position}`,
  leaf: {},
  leaf_bytes: base64url.encode(leaves[position] as Uint8Array),
  leaf_hash: '',
  values: {},
})

/** The authority's documents, for the command line, which fetches them with the platform's own function. */
globalThis.fetch = async (input) => {
  const isKeySet = String(input).endsWith('/jwks')
  return Response.json(isKeySet ? { keys: [publicJwk] } : { issuer, jwks_uri: `${issuer}/jwks` })
}

const auditLog: Target = {
  name: 'cli_audit_log',
  form: 'lines',
  seeds: [
    JSON.stringify({ records: [0, 1, 2].map(record) }),
    `${JSON.stringify({ records: [record(0)], next_after: 0 })}\n${JSON.stringify({ records: [record(1), record(2)] })}`,
    `${JSON.stringify({ records: [record(0)], next_after: 0 })}\n${JSON.stringify({ records: [], next_after: 0 })}`,
  ],
  sources: ['packages/cli/src/audit_log.ts'],
  words: ['records', 'next_after', 'leaf_bytes', 'position', 'AA', 'AQ', 'Ag'],
  share: 0.5,
  async check(input) {
    const pages = valuesOf(input)
    let asked = 0
    const api: Connection = {
      issuer,
      // The last page again and again, as an authority could that wants nobody to come to an end.
      get: async (path) =>
        (path === '/v1/audit/head' ? { signed: logHead } : pages[Math.min(asked++, pages.length - 1)]) as never,
      getText: async () => '',
      send: async () => undefined as never,
    }
    const ours = await told(() => checkLog(api))
    assert.ok(asked <= pages.length + 5, `asked for ${asked} pages of a log of three`)
    if (ours.refused !== undefined) return ours.refused
    const shown = pages
      .slice(0, asked)
      .flatMap((page) => (isJsonObject(page) && isJsonArray(page.records) ? page.records : []))
    assert.deepEqual(
      shown.slice(0, 3).map((each) => isJsonObject(each) && each.leaf_bytes),
      leaves.map(base64url.encode),
    )
    return 'accepted'
  },
}

const words: Target = {
  name: 'cli_words',
  form: 'text',
  seeds: [
    '15m\nhttps://api.example/?a=b=repo:read pr:*\namount<=50',
    '250ms\nx=y\nregion!=eu,1',
    '7d\n=\nbranch^=feature/=',
    'postgres://u:p@h/d',
  ],
  sources: ['packages/cli/src/words.ts'],
  words: [
    'ms',
    's',
    'h',
    'd',
    '999999999',
    '=',
    '<=',
    '>=',
    '!=',
    '^=',
    ',',
    '-',
    '.',
    '\u001b[2J',
    'postgres://u:p@h/d',
  ],
  async check(input) {
    const [duration = '', may = '', bound = ''] = textOf(input).split('\n')
    const long = await told(() => milliseconds(duration))
    if (long.value !== undefined) {
      assert.ok(Number.isSafeInteger(long.value) && long.value >= 0)
      assert.equal(seconds(duration), Math.ceil(long.value / 1_000))
    }
    const wait = await told(() => waiting(duration))
    assert.ok((wait.value ?? 0) <= 10_000)
    const given = await told(() => permission(may))
    if (given.value?.[0]) assert.equal(`${given.value[0].resource}=${given.value[0].scope}`, may)
    const constrained = await told(() => constraint(bound))
    if (constrained.value?.[0]) assert.ok(constraintText(constrained.value[0]).length > 0)
    await told(() => refusePassword(duration))
    const shown = printable(textOf(input))
    assert.ok(!/\p{Cc}/u.test(shown.replaceAll('\n', '').replaceAll('\t', '')), 'a terminal would obey what is shown')
    return [long, wait, given, constrained].map((each) => each.refused ?? 'accepted').join()
  },
}

const answers: Target = {
  name: 'cli_answers',
  form: 'json',
  seeds: [
    '{"type":"urn:x","title":"No.","detail":"x","code":"not_found","hint":"y"}',
    '{"error":"invalid_client","error_description":"No.","error_code":"assertion_replayed"}',
    '<html>',
  ],
  sources: ['packages/cli/src/connection.ts'],
  check(input) {
    const failure = refusalOf(403, textOf(input))
    assert.ok(failure instanceof Failure)
    assert.equal(typeof failure.code + typeof failure.message, 'stringstring')
    return `${failure.code === 'http_403'} ${failure.hint !== undefined}`
  },
}

const events: Target = {
  name: 'sdk_event_stream',
  form: 'bytes',
  seeds: [
    'event: batch\ndata: a\ndata: b\nid: 1\n\n',
    ':comment\r\n\r\ndata:x\r\rdata\n\n',
    'event:x\ndata:  y\n\ndata: half',
  ],
  sources: ['sdks/typescript/src/verifier/event_stream.ts'],
  words: ['\n\n', '\r', '\r\n', ':', 'data', 'data:', 'event:', 'id:', '\u0000', 'retry: 1', '\ufeff'],
  async check(input) {
    const whole = await eventsOf([input])
    const [cut = 0] = input
    const pieces = Array.from({ length: Math.ceil(input.length / (1 + (cut % 5))) }, (_, place) =>
      input.subarray(place * (1 + (cut % 5)), (place + 1) * (1 + (cut % 5))),
    )
    assert.deepEqual(await eventsOf(pieces), whole, 'where it is cut matters')
    if (whole === 'too large') return whole
    assert.deepEqual(whole, specified(textOf(input)))
    return `${Math.min(whole.length, 3)}`
  },
}

async function eventsOf(pieces: readonly Uint8Array[]): Promise<ServerEvent[] | 'too large'> {
  const found: ServerEvent[] = []
  try {
    for await (const event of readEvents(streamOf(pieces), { maxEventBytes: 300 })) found.push(event)
  } catch (error) {
    assert.match(String(error), /too large/)
    return 'too large'
  }
  return found
}

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
}

/** WHATWG HTML §9.2.6, step by step, on the whole text at once. */
function specified(text: string): ServerEvent[] {
  const found: ServerEvent[] = []
  let [event, data, id] = ['', '', '']
  const lines = text.split(/\r\n|\r|\n/)
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      if (data !== '') found.push({ event: event || 'message', data: data.slice(0, -1), id })
      event = data = ''
      continue
    }
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (line.startsWith(':')) continue
    if (name === 'event') event = value
    if (name === 'data') data += `${value}\n`
    if (name === 'id' && !value.includes('\0')) id = value
  }
  return found
}

/** An authority that answers everything with these texts, in turn. */
function runtimeOf(texts: readonly string[], asked: string[]): Runtime {
  return {
    clock: { ...systemClock, after: () => () => {} },
    random: () => 0.5,
    fetch: async (url) => new Response(texts[Math.min(asked.push(String(url)), texts.length) - 1] ?? ''),
  }
}

const keySet: Target = {
  name: 'sdk_key_set',
  form: 'lines',
  seeds: [
    `${JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` })}\n${JSON.stringify({ keys: [publicJwk, { kty: 'oct', kid: 'o', k: 'AA' }] })}`,
  ],
  sources: ['sdks/typescript/src/verifier/key_set.ts', 'sdks/typescript/src/metadata.ts'],
  words: [
    'jwks_uri',
    `${issuer}/jwks`,
    'http://localhost/',
    `${issuer}@evil.example/`,
    `${issuer}.evil.example/`,
    '//evil.example',
    'k1',
  ],
  share: 0.5,
  async check(input) {
    const texts = textOf(input).split('\n')
    const asked: string[] = []
    const set = new KeySet(runtimeOf(texts, asked), issuer)
    const loaded = await read(() => set.refresh())
    for (const url of asked) assert.equal(new URL(url).origin, issuer, 'keys from elsewhere')
    if (loaded.refused !== undefined) {
      assert.equal(set.size, 0)
      return loaded.refused
    }
    assert.ok(set.size <= 100)
    const key = await set.find('k1')
    assert.ok(key === undefined || (key.kid === 'k1' && key.key.type === 'public'))
    return `accepted ${Math.min(set.size, 2)} ${key !== undefined}`
  },
}

const resource = 'https://api.example/'

const registration: Target = {
  name: 'sdk_registration',
  form: 'json',
  seeds: [
    JSON.stringify({
      items: [{ audience: resource, proof_mode: 'optional', tools: [{ name: 't', scope: 'repo:read' }] }],
    }),
  ],
  sources: ['sdks/typescript/src/verifier/registration.ts'],
  share: 0.5,
  async check(input) {
    const operator = {
      issuer,
      fetch: async () => new Response(Uint8Array.from(input)),
      introspect: async () => ({ active: false }),
    }
    const known = new Registration(
      operator as never,
      resource,
      { proof: 'required', tools: { t: 'own:scope' } },
      { ...systemClock, after: () => () => {} },
    )
    const { rules: strictest } = known
    const ours = await read(() => known.refresh(new AbortController().signal))
    // What a service says itself is never loosened by what is on record, and what cannot be read changes nothing.
    assert.equal(known.rules.proof, 'required')
    if (ours.refused !== undefined) {
      assert.equal(known.rules, strictest)
      return ours.refused
    }
    for (const [name, scopes] of known.rules.tools) assert.ok(name === 't' && scopes.includes('own:scope'))
    return `accepted ${known.rules.tools.size}`
  },
}

const credential: Target = {
  name: 'sdk_credential',
  form: 'text',
  seeds: ['DPoP aaa.bbb.ccc', 'bearer x==', 'Basic eA==', 'Bearer a, Bearer b'],
  sources: ['sdks/typescript/src/verifier/credential.ts'],
  words: ['Bearer ', 'DPoP ', ',', ' ', '\t', '=', '.', '~', '%20', 'é'],
  check(input) {
    let headers: Headers
    try {
      headers = new Headers({ authorization: textOf(input) })
    } catch {
      return 'no header'
    }
    const ours = readNow(() => {
      const presented = readCredential(headers)
      assertForm(presented.token)
      return presented
    })
    if (ours.refused !== undefined) return ours.refused
    const { scheme, token } = ours.value
    assert.equal(`${scheme} ${token}`.toLowerCase(), headers.get('authorization')?.toLowerCase())
    return scheme
  },
}

const statement = {
  aud: [resource],
  authority: issuer,
  delegate: 'spiffe://acme.example.com/agent/beta',
  evidence: { kind: 'signed' },
  exp: 2_000_000_000,
  iat: 1_999_999_000,
  iss: `psn_${'p'.repeat(21)}A`,
  jti: 'j'.repeat(22),
  max_depth: 1,
  scope: 'repo:read',
  sub: `psn_${'p'.repeat(21)}A`,
}
const compact = `${wrap('{"alg":"EdDSA","kid":"k1","typ":"delegation+jwt"}')}.${wrap(JSON.stringify(statement))}.${'A'.repeat(86)}`

const handed: Target = {
  name: 'sdk_delegation',
  form: 'compact',
  seeds: [compact, `${compact}~${compact}`, '~'],
  sources: ['packages/protocol/src/delegation/statement.ts', 'sdks/typescript/src/agent/delegation.ts'],
  words: ['~', issuer, statement.delegate, `${statement.delegate}/i`],
  maxBytes: 8_192,
  async check(input) {
    const holder = { clientId: statement.delegate, issuer, now: 1_999_999_500 }
    const ours = await read(() => accept(textOf(input), holder))
    if (ours.refused !== undefined) return ours.refused
    const { expiresAt, maxDepth, resources } = ours.value
    assert.ok(expiresAt > holder.now && maxDepth <= 255 && resources.length >= 1)
    return `accepted ${ours.value.task !== undefined}`
  },
}

const metadata: Target = {
  name: 'sdk_issuer',
  form: 'text',
  seeds: [issuer, `${issuer}/o/acme`, `${issuer}/o/acme/`, 'http://localhost:4600', 'https://user@id.example.com/'],
  sources: ['sdks/typescript/src/metadata.ts'],
  words: ['/', '//', '?', '#', '@', '\\', '..', '%2e%2e', '\t', ':443'],
  maxBytes: 1_024,
  check(input) {
    const given = textOf(input)
    const ours = readNow(() => metadataUrl(given))
    if (ours.refused !== undefined) return ours.refused
    const [asked, named] = [new URL(ours.value), new URL(given)]
    assert.equal(asked.origin, named.origin)
    assert.ok(asked.pathname.startsWith('/.well-known/oauth-authorization-server'), asked.pathname)
    assert.equal(asked.search + asked.hash, '')
    return `accepted ${named.pathname === '/'}`
  },
}

export const targets: readonly Target[] = [
  profile,
  auditLog,
  words,
  answers,
  events,
  keySet,
  registration,
  credential,
  handed,
  metadata,
]
