// More, less and other than a row takes, made from the schema that it declares: never taken, and never an error of ours.

import { endpoints } from '@credence/authority'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { Chance, newSeed } from '../faults/chance.ts'
import { postgresMissing } from '../postgres.ts'
import { nameOf, queryOf, type Row, urlOf } from './fitting.ts'
import { atLimits, unknownNames, type Variant, withOddities, withRepeated, withUnknown } from './overposting_values.ts'
import { Sender } from './sender.ts'
import { stateOf, thingsIn, type World, worldOf } from './world.ts'

const rows = endpoints.map((row) => ({ ...row, name: nameOf(row) }))
const withJson = rows.filter(({ body, bodyType }) => body && bodyType !== 'form')
const withForm = rows.filter(({ bodyType }) => bodyType === 'form')
const withQuery = rows.filter(({ query }) => query)

const seed = newSeed()
const chance = new Chance(seed)
/** Which part of all variants is tried; all of them in a long run. */
const share = process.env.CREDENCE_LONG === '1' ? { sqlite: 1, postgres: 1 } : { sqlite: 0.3, postgres: 0.08 }

describe.each(['sqlite', 'postgres'] as const)(`on %s, FAULT_SEED=${seed}`, (store) => {
  const drawn = <T>(variants: readonly T[]): T[] => chance.some(variants, Math.ceil(variants.length * share[store]))
  const missing = store === 'postgres' && postgresMissing()
  let authority: TestAuthority
  let acme: World
  let sender: Sender

  beforeAll(async () => {
    if (missing) return
    authority = await startTestAuthority({
      store,
      organizations: ['acme', 'initech'],
      settings: { failuresPerMinute: 0 },
    })
    acme = await worldOf(authority.organizations.acme as TestOrganization)
    sender = new Sender(authority.origin, acme, authority.organizations.initech?.id ?? '')
  })
  afterAll(() => authority?.stop())

  const state = () => (store === 'sqlite' ? stateOf(authority) : '')

  /** As who may pass the door; `agent` doors as an administrator. */
  async function send(row: Row, more: { query?: string; body?: string; type?: string }) {
    const secret = row.door === 'installation' ? authority.installationSecret : acme.organization.administratorSecret
    const at = { origin: authority.origin, issuer: acme.organization.issuer }
    const url = urlOf(row, at, thingsIn(row, acme, authority.organizations.initech?.id))
    const stopping = new AbortController()
    const response = await fetch(
      `${url}${more.query ?? queryOf(row.body ? {} : (sender.valuesFor(row).query ?? {}))}`,
      {
        method: row.method.toUpperCase(),
        headers: {
          ...(row.door !== 'public' && row.door !== 'client' && { authorization: `Bearer ${secret}` }),
          ...(more.body !== undefined && { 'content-type': more.type ?? 'application/json' }),
        },
        ...(more.body !== undefined && { body: more.body }),
        signal: stopping.signal,
      },
    )
    const text = response.headers.get('content-type') === 'text/event-stream' ? '' : await response.text()
    stopping.abort()
    const json = text.startsWith('{') ? JSON.parse(text) : {}
    return { status: response.status, code: json.error_code ?? json.code, detail: json.detail ?? '', text }
  }

  const bodyOf = (row: Row) => sender.valuesFor(row).body ?? {}

  describe.each(withJson)('$name', (row) => {
    const schema = row.body as NonNullable<Row['body']>

    test('takes no member that it does not declare, and none twice', async (context) => {
      if (missing) context.skip(missing)
      const before = state()
      const body = bodyOf(row)
      for (const { what, text } of drawn(withUnknown(body))) {
        const { status, code, text: said } = await send(row, { body: text })
        expect([what, status]).toEqual([what, expect.toSatisfy((n) => n === 422 || n === 400)])
        expect(['validation_failed', 'malformed']).toContain(code)
        // What came is not repeated.
        for (const name of ['tenantId', '__proto__', 'adm_AAAA', 'n\u0430me']) expect(said).not.toContain(name)
      }
      for (const { what, text } of drawn(withRepeated(body))) {
        expect([what, (await send(row, { body: text })).code]).toEqual([what, 'duplicate_member'])
      }
      for (const text of [
        'null',
        '[]',
        `[${JSON.stringify(body)}]`,
        '"x"',
        '7',
        'true',
        '',
        ' ',
        '{',
        '{}{}',
        '\ufeff{}',
      ]) {
        expect([text, (await send(row, { body: text })).status]).toEqual([text, expect.toBeOneOf([400, 422])])
      }
      expect(state()).toBe(before)
    })

    test('takes nothing beyond a limit that it declares, and has no error of its own at one', async (context) => {
      if (missing) context.skip(missing)
      const before = state()
      const { within, beyond } = atLimits(schema, bodyOf(row))
      for (const { what, text } of beyond) {
        const { status, code } = await send(row, { body: text })
        expect([what, status, code]).toEqual([what, 422, 'validation_failed'])
      }
      expect(state()).toBe(before)
      for (const { what, text } of within) await sound(what, text)
    })

    test('takes every member as what it is, or says what it must be', async (context) => {
      if (missing) context.skip(missing)
      const before = state()
      const variants = Map.groupBy(drawn(withOddities(schema, bodyOf(row))), ({ text }) => fits(text))
      for (const { what, text } of variants.get(false) ?? []) {
        const { status } = await send(row, { body: text })
        expect([what, status]).toEqual([what, expect.toBeOneOf([400, 422])])
      }
      expect(state()).toBe(before)
      for (const { what, text } of variants.get(true) ?? []) await sound(what, text)
    })

    /** Taken or refused; nothing else. */
    async function sound(what: string, text: string): Promise<void> {
      const { status, code } = await send(row, { body: text })
      expect([what, status, code]).toEqual([what, expect.toSatisfy((n) => n < 500), code])
      expect([what, status]).not.toEqual([what, 401])
    }

    function fits(text: string): boolean {
      const value = JSON.parse(text)
      // Assigned, not parsed: so that what the text says is what is looked at.
      return !text.includes('__proto__') && schema.safeParse(value).success
    }
  })

  describe.each(withForm)('$name', (row) => {
    const fields = () => ({
      ...(bodyOf(row) as Record<string, string>),
      client_id: 'spiffe://acme.credence.example/agent/x',
    })
    const form = 'application/x-www-form-urlencoded'
    const written = (more: Array<[string, string]>) =>
      new URLSearchParams([...Object.entries(fields()), ...more]).toString()

    test('ignores parameters that it does not know (RFC 6749 §3.2), and refuses those given twice', async (context) => {
      if (missing) context.skip(missing)
      const before = state()
      const plain = await send(row, { body: written([]), type: form })
      for (const name of drawn(unknownNames).filter((name) => !name.includes('\0'))) {
        const more = await send(row, { body: written([[name, 'adm_AAAAAAAAAAAAAAAAAAAAAA']]), type: form })
        expect([name, more.text]).toEqual([name, plain.text])
      }
      for (const name of Object.keys(fields())) {
        for (const again of [name, `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`]) {
          const body = `${written([])}&${again}=x`
          expect([again, (await send(row, { body, type: form })).code]).toEqual([again, 'parameter_repeated'])
        }
        for (const list of [`${name}[]`, `${name}[0]`, `${name}.a`]) {
          expect((await send(row, { body: written([[list, 'x']]), type: form })).text).toBe(plain.text)
        }
      }
      const many = written(Array.from({ length: 70 }, (_, n) => [`x${n}`, '']))
      expect((await send(row, { body: many, type: form })).code).toBe('malformed')
      for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', '']) {
        expect((await send(row, { body: written([]), type })).code).toBe('unsupported_media_type')
      }
      expect(state()).toBe(before)
    })

    test('takes nothing beyond a limit that it declares', async (context) => {
      if (missing) context.skip(missing)
      const { within, beyond } = atLimits(row.body as NonNullable<Row['body']>, fields())
      const asForm = ({ text }: Variant) => new URLSearchParams(JSON.parse(text)).toString()
      for (const variant of beyond) {
        const { status, code } = await send(row, { body: asForm(variant), type: form })
        expect([variant.what, status, code]).toEqual([variant.what, 400, 'invalid_request'])
      }
      for (const variant of within) {
        const { status } = await send(row, { body: asForm(variant), type: form })
        expect([variant.what, status]).toEqual([variant.what, expect.toBeOneOf([400, 401])])
      }
    })
  })

  describe.each(withQuery)('$name', (row) => {
    test('takes no parameter that it does not declare, none twice, and numbers as people write them', async (context) => {
      if (missing) context.skip(missing)
      const values = sender.valuesFor(row).query ?? {}
      const shape = (row.query as NonNullable<Row['query']>).shape
      const asked = async (more: Record<string, unknown>, raw = '') =>
        send(row, { query: `${queryOf({ ...values, ...more })}${raw}`, ...(row.body && { body: '{}' }) })
      for (const name of drawn(unknownNames).filter((name) => !name.includes('\0'))) {
        expect([name, (await asked({ [name]: '1' })).code]).toEqual([name, 'validation_failed'])
      }
      for (const name of Object.keys(shape)) {
        const twice = await asked({ [name]: '1' }, `&${name}=1`)
        expect([name, twice.code]).toEqual([name, 'parameter_repeated'])
      }
      const { beyond } = atLimits(row.query as NonNullable<Row['query']>, {})
      const numbers = new Set(beyond.filter(({ what }) => /: -?\d+$/.test(what)).map(({ what }) => what.split(':')[0]))
      for (const { what, text } of beyond) {
        const { code } = await asked(JSON.parse(text))
        expect([what, code]).toEqual([what, 'validation_failed'])
      }
      for (const name of numbers as Set<string>) {
        for (const text of [
          '',
          ' ',
          ' 5',
          '5 ',
          '+5',
          '0x5',
          '5e0',
          '5.0',
          '05',
          '\u0665',
          'Infinity',
          'NaN',
          'null',
          'true',
          '-0',
        ]) {
          expect([name, text, (await asked({ [name]: text })).code]).toEqual([name, text, 'validation_failed'])
        }
      }
      for (const name of Object.keys(shape)) {
        for (const text of [
          '',
          '%00',
          '%',
          '%ff',
          '%0a',
          '%e2%80%ae',
          '../..',
          "' OR 1=1",
          'a'.repeat(8_000),
          '9007199254740993',
          '-1e999',
        ]) {
          const heard = await asked({}, `${queryOf(values) === '' ? '?' : '&'}${name}=${text}`)
          expect([name, text, heard.status < 500]).toEqual([name, text, true])
        }
      }
    })
  })
})
