// Readers of plain values: JSON, base64url, scopes, constraints, names, URLs, canonical text.

import { strict as assert } from 'node:assert'
import {
  agentSpiffeId,
  base64url,
  canonicalize,
  checkConstraints,
  covers,
  coversAll,
  formatScope,
  intersectScopes,
  isAudience,
  isCanonical,
  isHandle,
  isId,
  isJsonObject,
  isSafeUrl,
  isScope,
  isTask,
  type JsonValue,
  parseConstraints,
  parseJson,
  parseJsonBytes,
  parseScope,
  parseSpiffeId,
  reduceScopes,
  subsumes,
} from '@credence/protocol'
import libraryCanonicalize from 'canonicalize'
import { normalizeTarget } from '../../../packages/protocol/src/http_target.ts'
import { checkShape, listOf, matching, oneOf, text, whole } from '../../../packages/protocol/src/shape.ts'
import { readNow, sameJson, type Target, textOf, valuesOf } from '../target.ts'
import { depthOf, everyNumber, everyText, namesTwice, nativeParse } from './json_facts.ts'

const json: Target = {
  name: 'json',
  form: 'json',
  seeds: ['{"a":[1,-2.5e3,"x\\u00e9",true,false,null],"b":{"c":{}}}', '[[[[]]]]', '"\\ud83d\\ude00"', '1'],
  sources: ['packages/protocol/src/json.ts'],
  words: ['{', '}', '[', ']', '"', '\\', ':', ',', '\\u', '\t', '[[[[[[[[', '{"a":{"a":{"a":', 'Infinity', '-', 'e+'],
  share: 3,
  check(input) {
    const ours = readNow(() => parseJsonBytes(input))
    const native = nativeJson(input)
    if (ours.refused === undefined) {
      assert.ok(native, 'read, although JSON.parse refuses')
      sameJson(ours.value, native.value)
      sameJson(parseJson(JSON.stringify(ours.value), { maxBytes: 65_536 }), ours.value)
      assert.equal(
        Reflect.ownKeys(Object.getPrototypeOf(Object(ours.value))).length === 0,
        typeof ours.value === 'object' && ours.value !== null && !Array.isArray(ours.value),
      )
      return 'accepted'
    }
    const [code] = ours.refused.split(' ')
    if (!native) assert.notEqual(code, 'internal_error')
    else assert.ok(whyRefused(code as string, input, native), `refused as ${code}, and nothing is wrong with it`)
    return ours.refused
  },
}

/** What of a text that JSON.parse takes explains this refusal. */
function whyRefused(code: string, input: Uint8Array, { text, value }: { text: string; value: unknown }): boolean {
  switch (code) {
    case 'too_large':
      return input.length > 16_384
    case 'too_deep':
      return depthOf(value) > 16
    case 'duplicate_member':
      return namesTwice(text, value)
    case 'non_finite':
      return !everyNumber(value, Number.isFinite)
    default:
      return (
        !everyNumber(value, (number) => Math.abs(number) <= Number.MAX_SAFE_INTEGER) ||
        !everyText(value, (each) => each.isWellFormed()) ||
        // Of two members of one name, JSON.parse shows the last only.
        namesTwice(text, value)
      )
  }
}

function nativeJson(input: Uint8Array): { text: string; value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
    return { text, value: nativeParse(text) }
  } catch {
    return undefined
  }
}

const base64: Target = {
  name: 'base64url',
  form: 'text',
  seeds: ['', 'AA', 'AAA', 'AAAA', 'aGVsbG8', '_-_-'],
  sources: [],
  words: ['A', 'B', '/', '+', 'AQ', 'AB', '\n', 'ā', 'Ł'],
  check(input) {
    const given = textOf(input)
    const ours = readNow(() => base64url.decode(given))
    const bytes = Buffer.from(given, 'base64url')
    const canonical = bytes.toString('base64url') === given
    assert.equal(ours.refused === undefined, canonical)
    const plain = Object.defineProperty(Uint8Array.from(input), 'toBase64', { value: undefined })
    assert.equal(base64url.encode(plain), Buffer.from(input).toString('base64url'))
    assert.equal(base64url.encode(input), Buffer.from(input).toString('base64url'))
    assert.deepEqual(Buffer.from(base64url.decode(base64url.encode(input))), Buffer.from(input))
    if (ours.refused !== undefined) return ours.refused
    assert.deepEqual(Buffer.from(ours.value), bytes)
    return `accepted ${given.length & 3}`
  },
}

const scopes: Target = {
  name: 'scopes',
  form: 'text',
  seeds: ['repo:read pr:*\nrepo:read\npr:write:draft', 'a:* a:b:*\na:b:c\nUser.Read', 'a\na:*\na:b'],
  sources: ['packages/protocol/src/scopes.ts'],
  words: [':', '*', ' ', 'a:b', 'pr:*', '**', ':*', 'A', '\\', '"'],
  check(input) {
    const [granted, wanted, third] = textOf(input)
      .split('\n')
      .map((line) => readNow(() => parseScope(line)))
    if (granted?.value === undefined) return `granted ${granted?.refused}`
    const held = granted.value
    assert.deepEqual(parseScope(formatScope(held)).sort(), [...held].sort())
    assert.ok(coversAll(held, held) && coversAll(reduceScopes(held), held) && coversAll(held, reduceScopes(held)))
    assert.ok(held.every(isScope))
    if (wanted?.value === undefined) return `wanted ${wanted?.refused}`
    const shared = intersectScopes(held, wanted.value)
    assert.ok(coversAll(held, shared) && coversAll(wanted.value, shared))
    for (const one of [...held, ...wanted.value, ...(third?.value ?? [])]) {
      // What both cover, the intersection covers.
      if (coversAll(held, [one]) && coversAll(wanted.value, [one])) assert.ok(coversAll(shared, [one]), one)
      for (const other of wanted.value) {
        if (one !== other) assert.ok(!(covers(one, other) && covers(other, one)), 'two that cover each other')
        for (const last of third?.value ?? [])
          if (covers(one, other) && covers(other, last)) assert.ok(covers(one, last), 'not transitive')
      }
    }
    return `accepted ${shared.length > 0} ${third?.refused ?? ''}`
  },
}

const constraints: Target = {
  name: 'constraints',
  form: 'lines',
  seeds: [
    '[{"key":"amount","max":100},{"key":"region","one_of":["eu","us"]}]\n[{"key":"amount","max":50},{"key":"region","one_of":["eu"]}]\n{"amount":20,"region":"eu"}',
    '[{"key":"p","prefix":"/a"},{"key":"n","min":1}]\n[{"key":"p","prefix":"/a/b"},{"key":"n","min":2}]\n{"p":"/a/b/c","n":3}',
    '[{"key":"r","rank":"b","order":["a","b","c"]},{"key":"x","not_one_of":[1]}]\n[{"key":"r","rank":"a","order":["a","b","c"]},{"key":"x","not_one_of":[1,"1",null]}]\n{"r":"a","x":2}',
    '[{"key":"s","max_lifetime":5},{"key":"s","max_subtree":5},{"key":"s","else":{"b":1}}]\n[{"key":"s","else":{"b":1}}]\n{}',
  ],
  sources: ['packages/protocol/src/constraints.ts'],
  share: 2,
  check(input) {
    const [one, other, args] = valuesOf(input)
    const parent = readNow(() => parseConstraints(one ?? null))
    if (parent.refused !== undefined) return `parent ${parent.refused}`
    assert.ok(subsumes(parent.value, parent.value), 'not what it is itself')
    assert.deepEqual(parseConstraints(JSON.parse(JSON.stringify(parent.value))).length, parent.value.length)
    const child = readNow(() => parseConstraints(other ?? null))
    if (child.refused !== undefined) return `child ${child.refused}`
    const narrower = subsumes(parent.value, child.value)
    if (narrower) assert.ok(subsumes(parent.value, [...child.value].reverse()))
    if (!isJsonObject(args)) return `no arguments ${narrower}`
    // A key may be shown: the constraint is signed.
    const admits = (bounds: typeof parent.value) => readNow(() => checkConstraints(bounds, args), { show: true })
    const [wide, narrow] = [admits(parent.value), admits(child.value)]
    // The whole meaning of subsuming: nothing passes the child that does not pass its parent.
    if (narrower && narrow.refused === undefined) assert.equal(wide.refused, undefined)
    return `${narrower} ${codeOf(wide.refused)} ${codeOf(narrow.refused)}`
  },
}

const identifiers: Target = {
  name: 'identifiers',
  form: 'text',
  seeds: [
    'spiffe://acme.credence.example/agent/alpha',
    'spiffe://acme.credence.example/agent/alpha/ins_AAAAAAAAAAAAAAAAAAAAAA',
    'agt_AAAAAAAAAAAAAAAAAAAAAQ',
    'https://api.example.com:8443/a/%2F?b=c',
    'http://[::1]:80/',
    'http://127.0.0.1/',
    'pr-42',
  ],
  sources: ['packages/protocol/src/identifiers.ts'],
  words: ['/', '..', '.', '%2F', '%2f', ':', '-', '_', '?', '#', 'agt_', 'localhost', '::1'],
  check(input) {
    const given = textOf(input)
    const spiffe = readNow(() => parseSpiffeId(given))
    if (spiffe.value !== undefined) {
      const { trustDomain, path } = spiffe.value
      assert.equal(['spiffe:/', trustDomain, ...path].join('/'), given)
      const [, handle = ''] = path
      const agent = readNow(() => agentSpiffeId(trustDomain, handle))
      if (path.length === 2 && path[0] === 'agent') assert.equal(agent.value, given)
    }
    if (isAudience(given)) {
      const url = new URL(given)
      assert.ok(isSafeUrl(given), 'an audience to which no token may be sent')
      assert.equal(url.hash + url.username + url.password, '')
      assert.ok(given.startsWith(`${url.protocol}//${url.hostname}`), `${given} is read as ${url.href}`)
    }
    if (isId(given)) assert.equal(base64url.decode(given.slice(4)).length, 16)
    if (isHandle(given)) assert.match(given, /^(?!-)[a-z0-9-]{1,63}(?<!-)$/)
    return [spiffe.refused ?? 'spiffe', isAudience(given), isId(given), isHandle(given), isTask(given)].join()
  },
}

const target: Target = {
  name: 'http_target',
  form: 'text',
  seeds: [
    'https://api.example/a/../b/./c?x=1#y\nhttps://API.example:443/b/c',
    'http://[::1]:80/%7Ea/%2e%2e/b\nhttp://[::1]/b',
    'https://a.example\nhttps://a.example/',
  ],
  sources: ['packages/protocol/src/http_target.ts'],
  words: [
    '/',
    '..',
    '/./',
    '/../',
    '%2e',
    '%2E%2E',
    '%2f',
    '%',
    ':',
    ':443',
    ':80',
    '?',
    '#',
    '@',
    '\\',
    '//',
    ';',
    '%41',
  ],
  check(input) {
    const [one = '', other = ''] = textOf(input).split('\n')
    const first = readNow(() => normalizeTarget(one))
    if (first.refused !== undefined) return first.refused
    assert.equal(normalizeTarget(first.value), first.value, 'not in normal form')
    assert.ok(first.value.length <= one.length + 8)
    const path = first.value.replace(/^[a-z]+:\/\/[^/]*/, '')
    assert.ok(!/\/\.{1,2}(\/|$)/.test(path))
    const second = readNow(() => normalizeTarget(other))
    if (second.value === first.value && URL.canParse(one) && URL.canParse(other)) {
      // What is called one target must not be two to those who route by a URL parser.
      const [a, b] = [one, other].map((each) => new URL(each)) as [URL, URL]
      assert.deepEqual(
        [b.protocol, b.host, normalizeTarget(b.origin + b.pathname)],
        [a.protocol, a.host, normalizeTarget(a.origin + a.pathname)],
      )
    }
    return `accepted ${second.value === first.value}`
  },
}

const safeUrl: Target = {
  name: 'safe_url',
  form: 'text',
  seeds: ['https://a.example/', 'http://localhost:1/x', 'http://127.0.0.1', 'http://[::1]/', 'http://a.example'],
  sources: ['packages/protocol/src/safe_url.ts'],
  words: [
    '@',
    ':',
    '/',
    '\\',
    '#',
    '?',
    '.',
    '127.1',
    '0x7f.1',
    '2130706433',
    'localhost.',
    '.localhost',
    '[::ffff:127.0.0.1]',
    '\t',
    'ｌocalhost',
  ],
  check(input) {
    const given = textOf(input)
    if (!isSafeUrl(given)) return 'not safe'
    const url = new URL(given)
    assert.equal(url.username + url.password, '')
    const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
    assert.ok(url.protocol === 'https:' || (url.protocol === 'http:' && loopback), url.href)
    return `safe ${url.protocol}`
  },
}

const canonical: Target = {
  name: 'canonical',
  form: 'json',
  seeds: ['{"b":1e21,"a":[0.1,-0,"\\u000f\\"é€"],"ä":{"":null}}', '[1E30,4.50,2e-3,1e-27]', '"\\ud83d\\ude00\\u2028"'],
  sources: ['packages/protocol/src/canonical.ts'],
  check(input) {
    let value: JsonValue
    try {
      value = nativeParse(textOf(input)) as JsonValue
    } catch {
      return 'no JSON'
    }
    const ours = readNow(() => canonicalize(value))
    const wellFormed = everyText(value, (each) => each.isWellFormed())
    const finite = everyNumber(value, Number.isFinite)
    assert.equal(ours.refused === undefined, wellFormed && finite)
    if (ours.refused !== undefined) return ours.refused
    assert.equal(ours.value, libraryCanonicalize(value))
    const again = nativeParse(ours.value) as JsonValue
    assert.equal(canonicalize(again), ours.value)
    assert.ok(isCanonical(ours.value, again))
    return 'accepted'
  },
}

const form = {
  required: { id: whole(1, 9), name: matching(/^[a-z]+$/), kind: oneOf('a', 'b') },
  optional: {
    list: listOf(
      text((each) => each !== ''),
      1,
      3,
    ),
    toString: whole(0),
  },
}

const shape: Target = {
  name: 'shape',
  form: 'json',
  seeds: ['{"id":1,"name":"x","kind":"a"}', '{"id":9,"kind":"b","list":["x","y"],"name":"x","toString":1}'],
  sources: ['packages/protocol/src/shape.ts'],
  words: ['id', 'name', 'kind', 'list', 'a', 'b', 'x', 'hasOwnProperty'],
  check(input) {
    const parsed = readNow(() => parseJsonBytes(input))
    if (parsed.refused !== undefined) return 'no JSON'
    const checked = readNow(() => checkShape(parsed.value, form, 'malformed', 'thing'))
    const { id, name, kind, list, toString: more, ...rest } = Object(parsed.value)
    const fits =
      Object.keys(rest).length === 0 &&
      !Array.isArray(parsed.value) &&
      Number.isInteger(id) &&
      id >= 1 &&
      id <= 9 &&
      typeof name === 'string' &&
      /^[a-z]+$/.test(name) &&
      (kind === 'a' || kind === 'b') &&
      (list === undefined ||
        (Array.isArray(list) &&
          list.length >= 1 &&
          list.length <= 3 &&
          new Set(list).size === list.length &&
          list.every((each) => typeof each === 'string' && each !== ''))) &&
      (more === undefined ||
        !Object.hasOwn(Object(parsed.value), 'toString') ||
        (Number.isSafeInteger(more) && more >= 0))
    assert.equal(checked.refused === undefined, fits)
    return checked.refused ?? 'accepted'
  },
}

function codeOf(refused: string | undefined): string {
  return refused?.split(' ')[0] ?? 'accepted'
}

export const targets: readonly Target[] = [
  json,
  base64,
  scopes,
  constraints,
  identifiers,
  target,
  safeUrl,
  canonical,
  shape,
]
