// Requests that a row would take, from whoever shows what; with one member of them, if wished, in somebody else's hands.

import { newId } from '@credence/protocol'
import type { z } from 'zod'
import { fitting, nameOf, queryOf, type Row, urlOf } from './fitting.ts'
import type { Role } from './roles.ts'
import { thingsIn, type World } from './world.ts'

export type Sent = { status: number; code: string | undefined; text: string; headers: Headers }

/** Where a thing is named in a request: in the path, which takes the first of the `things` that fits, or as one member. */
export type Place = { in: 'path' | 'query' | 'body'; name: string; value: unknown; things: string[] }

/** Members that depend on each other, where what fits each by itself makes no sense together. `n` is another each time. */
const words: Record<string, (world: World, n: number) => Record<string, unknown>> = {
  'POST /token': ({ docs }) => ({ grant_type: 'client_credentials', resource: docs }),
  'POST /v1/delegations': ({ organization, things, docs }) => ({
    delegator: organization.id,
    delegate: things.agt,
    aud: [docs],
    scope: 'docs:read',
  }),
  'POST /v1/agents': ({ things }, n) => ({ handle: `new-${n}`, owner: things.psn, purpose: 'Is new.' }),
  'POST /v1/agents/{id}/credentials': () => ({ kind: 'client_secret' }),
  'POST /v1/agents/{id}/instances': ({ operator }, n) => ({ jwk: { ...operator.key.publicJwk, kid: `instance-${n}` } }),
  'POST /v1/people/{id}/keys': ({ operator }, n) => ({ jwk: { ...operator.key.publicJwk, kid: `person-${n}` } }),
  'POST /v1/resources': (_world, n) => ({ audience: `https://new-${n}.example/`, name: 'New', scopes: ['docs:read'] }),
  'PATCH /v1/agents/{id}': ({ docs }, n) => ({ purpose: `${n}`, permissions: [{ resource: docs, scope: 'docs:*' }] }),
  'PATCH /v1/people/{id}': (_world, n) => ({ name: `Mallory ${n}` }),
  'PATCH /v1/resources/{id}': (_world, n) => ({ name: `Docs ${n}` }),
  'POST /v1/revocations': ({ things }) => ({ id: things.ins, cause: 'test' }),
  'POST /v1/revocations/restore': ({ stopped }) => ({ id: stopped }),
  'POST /revocations/acknowledgements': ({ docs }) => ({ resource: docs, seq: 0, point: newId('ept') }),
  'GET /revocations/stream': ({ docs }) => ({ resource: docs }),
  'GET /delegator-keys': ({ ada }) => ({ holder: ada.id, kid: ada.key.publicJwk.kid }),
  'POST /v1/organizations': (_world, n) => ({ handle: `hooli-${n}` }),
}

/** What fits where neither an id nor a word of our own is asked for. */
const plain = ['docs:read', 1, true, { kty: 'EC' }, {}]

export class Sender {
  readonly #origin: string
  readonly #home: World
  readonly #victim: string
  #sent = 0

  /** @param victim the id of an organization that may be stopped. */
  constructor(origin: string, home: World, victim: string) {
    this.#origin = origin
    this.#home = home
    this.#victim = victim
  }

  /** Sends what the row would take at home, as this one; `headersOnly`: no body, form or query to show it in. */
  async send(row: Row, role: Pick<Role, 'show'> & { headersOnly?: boolean }, place?: Place): Promise<Sent> {
    const home = this.#home
    const own = thingsIn(row, home, this.#victim)
    const { issuer } = home.organization
    const url = urlOf(row, { origin: this.#origin, issuer }, place?.in === 'path' ? place.things : own)
    const shown = await role.show({ row, url })
    const { form, query } = role.headersOnly ? {} : shown
    const values = this.valuesFor(row)
    if (place && place.in !== 'path') values[place.in] = { ...values[place.in], [place.name]: place.value }
    const { body } = values
    const isForm = row.bodyType === 'form' || form !== undefined
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
    const text = isForm ? new URLSearchParams({ ...(body as object), ...form }).toString() : JSON.stringify(body)
    const stopping = new AbortController()
    const response = await fetch(`${url}${queryOf({ ...values.query, ...query })}`, {
      method: row.method.toUpperCase(),
      headers: { ...(row.body && { 'content-type': type }), ...shown.headers },
      ...(row.body && { body: text }),
      signal: stopping.signal,
    })
    const { status, headers } = response
    // A stream does not end by itself.
    if (headers.get('content-type') === 'text/event-stream') {
      stopping.abort()
      return { status, code: undefined, text: '', headers }
    }
    const answer = await response.text()
    const json = answer.startsWith('{') ? JSON.parse(answer) : {}
    return { status, code: json.error_code ?? json.code, text: answer, headers }
  }

  /** A query and a body that the row takes. */
  valuesFor(row: Row): Partial<Record<'query' | 'body', Record<string, unknown>>> {
    this.#sent += 1
    const known = words[nameOf(row)]?.(this.#home, this.#sent)
    const things = [...plain, ...thingsIn(row, this.#home, this.#victim)]
    const fits = (schema: z.ZodType | undefined) => (schema ? (fitting(schema, things) as Record<string, unknown>) : {})
    return {
      query: row.query ? ((row.body ? undefined : known) ?? fits(row.query)) : {},
      ...(row.body && { body: known ?? fits(row.body) }),
    }
  }

  /** Every place of a row where a thing may be named, with a thing of each of two worlds in it. */
  *placesOf(row: Row, one: World, other: World): Generator<[Place, Place]> {
    const [ones, others] = [thingsIn(row, one), thingsIn(row, other)]
    const place = (where: Place['in'], name: string, value: unknown, things: string[]): Place => ({
      in: where,
      name,
      value,
      things,
    })
    if (row.params) yield [place('path', '', undefined, ones), place('path', '', undefined, others)]
    for (const where of ['query', 'body'] as const) {
      for (const [name, member] of Object.entries((row[where]?.shape ?? {}) as Record<string, z.ZodType>)) {
        for (const [n, thing] of ones.entries()) {
          const forms = [(id?: string) => id, (id?: string) => [id]]
          const form = forms.find((form) => member.safeParse(form(thing)).success)
          // Where any text will do and something of its own is changed by it, an id is a text like any other.
          const isText = row.params !== undefined && forms.some((form) => member.safeParse(form('text')).success)
          if (form && !isText)
            yield [place(where, name, form(thing), ones), place(where, name, form(others[n]), others)]
        }
      }
    }
  }
}
