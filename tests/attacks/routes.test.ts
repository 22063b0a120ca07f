// Every row of the table, for everybody who might call it: generated from the table, so that a new row is covered as it is added.

import { endpoints } from '@credence/authority'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { Chance, newSeed } from '../faults/chance.ts'
import { nameOf, type Row } from './fitting.ts'
import { type Role, rolesOf } from './roles.ts'
import { Sender } from './sender.ts'
import { neverMade, stateOf, type World, worldOf } from './world.ts'

let authority: TestAuthority
let acme: World
let globex: World
let roles: Role[]
let sender: Sender
const seed = newSeed()
const chance = new Chance(seed)
const isLong = process.env.CREDENCE_LONG === '1'

beforeAll(async () => {
  authority = await startTestAuthority({
    organizations: ['acme', 'globex', 'initech'],
    settings: { failuresPerMinute: 0 },
  })
  acme = await worldOf(authority.organizations.acme as TestOrganization)
  globex = await worldOf(authority.organizations.globex as TestOrganization)
  roles = await rolesOf(authority, acme, globex)
  sender = new Sender(authority.origin, acme, authority.organizations.initech?.id ?? '')
})
afterAll(() => authority.stop())

const rows = endpoints.map((row) => ({ ...row, name: nameOf(row) }))
const closed = rows.filter(({ door }) => door !== 'public')

/** What this one hears at this door; undefined: it is let in. */
function refusalOf({ admitted, refused }: Role, { door }: Row): string | undefined {
  if (door === 'public' || admitted.includes(door)) return undefined
  return door === 'agent' || door === 'client' ? refused[door] : 'unauthorized'
}

const someIds = /\b[a-z]{3}_[\w-]{21}[AQgw]/g

describe.each(closed)('$name', (row) => {
  test('lets in nobody whom its door does not name, says why alike, and does nothing for them', async () => {
    const before = stateOf(authority)
    const said = new Map<string, Set<string>>()
    const outside = roles.filter((role) => refusalOf(role, row) !== undefined)
    const heard = await Promise.all(outside.map((role) => sender.send(row, role)))
    for (const [n, role] of outside.entries()) {
      const code = refusalOf(role, row) ?? ''
      const { status, headers, text, ...answer } = heard[n] as (typeof heard)[number]
      expect([role.name, answer.code]).toEqual([role.name, code])
      expect(status).toBe(code === 'insufficient_scope' ? 403 : code === 'invalid_request' ? 400 : 401)
      expect(headers.get('cache-control')).toBe('no-store')
      if (status === 401 && row.door !== 'client') expect(headers.get('www-authenticate')).toMatch(/^(Bearer|DPoP) /)
      expect(text).not.toMatch(someIds)
      said.set(code, (said.get(code) ?? new Set()).add(text))
    }
    for (const [code, texts] of said) expect([code, texts.size]).toEqual([code, 1])
    expect(stateOf(authority)).toBe(before)
  })
})

describe.each(rows.filter(({ door }) => door === 'public'))('$name', (row) => {
  test('is the same for everybody, whatever they show', async () => {
    const before = stateOf(authority)
    const nobody = roles.find(({ name }) => name === 'nobody') as Role
    const plain = await sender.send(row, nobody)
    expect(plain.status).toBe(200)
    for (const answer of await Promise.all(roles.map((role) => sender.send(row, { ...role, headersOnly: true })))) {
      expect([answer.status, answer.text]).toEqual([plain.status, plain.text])
    }
    expect(stateOf(authority)).toBe(before)
  })
})

describe(`what another organization has is what nobody ever made, and stays as it is, FAULT_SEED=${seed}`, () => {
  const bare = (text: string) =>
    text
      .replaceAll(/eyJ[\w.-]+/g, '(signed)')
      .replaceAll(/credence_[\w-]+/g, '(secret)')
      .replaceAll(someIds, '(id)')
      .replaceAll(/\d{6,}/g, '(moment)')

  // The installation sees every organization. Who reads comes first: it must find nothing of what the others do.
  const within = closed.filter(({ door }) => door !== 'installation')
  const readersFirst = within.toSorted((one, other) => Number(other.method === 'get') - Number(one.method === 'get'))

  test.each(readersFirst)('$name', async (row) => {
    const before = stateOf(authority, globex.organization.id)
    const absent = neverMade(globex)
    const admitted = roles.filter(
      (role) => refusalOf(role, row) === undefined && !/^a client by client/.test(role.name),
    )
    const places = [...sender.placesOf(row, globex, absent)]
    const pairs = places.filter(([{ in: where }]) => isLong || where === 'path' || chance.next() < 0.4)
    for (const role of admitted) {
      for (const [theirs, nobodys] of pairs) {
        const [one, other] = [await sender.send(row, role, theirs), await sender.send(row, role, nobodys)]
        expect([theirs.name, theirs.value, one.status]).toEqual([theirs.name, theirs.value, other.status])
        if (theirs.in === 'path') expect(one.status).toBe(404)
        // What was done tells of itself: when it was done, and what it is called.
        if (row.method === 'get' || one.status >= 400) expect(bare(one.text)).toBe(bare(other.text))
      }
    }
    expect(stateOf(authority, globex.organization.id)).toBe(before)
  })
})

describe('whoever is let in', () => {
  // What ends a thing comes after what needs it.
  const order = closed.toSorted((one, other) => rank(one) - rank(other))

  function rank({ path }: Row): number {
    return ['/retire', '/v1/signing-keys/{id}/revoke'].findIndex((end) => path.endsWith(end))
  }

  test.each(order)('gets what it asks for: $name', async (row) => {
    const admitted = roles.filter((role) => refusalOf(role, row) === undefined)
    expect(admitted.length).toBeGreaterThan(0)
    const statuses: number[] = []
    for (const role of admitted) {
      const { status, code } = await sender.send(row, role)
      expect([role.name, status, code]).not.toEqual([role.name, expect.toSatisfy((n) => n === 401 || n >= 500), code])
      statuses.push(status)
    }
    // So that those before were refused for who they were, and for nothing else.
    expect(Math.min(...statuses)).toBeLessThan(300)
  })
})
