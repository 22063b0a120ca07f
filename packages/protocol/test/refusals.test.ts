import { expect, test } from 'vitest'
import { anywhere } from '../src/refusals/anywhere.ts'
import { api } from '../src/refusals/api.ts'
import { clientAuthentication } from '../src/refusals/client_authentication.ts'
import { delegation } from '../src/refusals/delegation.ts'
import { operation } from '../src/refusals/operation.ts'
import { parsing } from '../src/refusals/parsing.ts'
import { proofs } from '../src/refusals/proofs.ts'
import { tokenEndpoint } from '../src/refusals/token_endpoint.ts'
import { tokens } from '../src/refusals/tokens.ts'
import { verification } from '../src/refusals/verification.ts'
import { asRefusal, isRefusal, Refusal, type RefusalCode, refusalOf, refusals, refuse } from '../src/refusals.ts'

const sections = {
  anywhere,
  api,
  clientAuthentication,
  delegation,
  operation,
  parsing,
  proofs,
  tokenEndpoint,
  tokens,
  verification,
}
const rows = Object.entries(refusals)

test('no code is in two sections, and each section is in alphabetical order', () => {
  const counts = Object.values(sections).map((section) => Object.keys(section).length)
  expect(rows).toHaveLength(counts.reduce((sum, count) => sum + count, 0))
  for (const section of Object.values(sections)) {
    expect(Object.keys(section)).toEqual(Object.keys(section).sort())
  }
})

test.each(rows)('%s has a status, one public sentence, and a hint', (code, row) => {
  expect(code).toMatch(/^[a-z][a-z_]+$/)
  expect(row.status).toBeGreaterThanOrEqual(400)
  expect(row.status).toBeLessThan(600)
  // RFC 6749 section 5.2 and RFC 6750 section 3: what may stand in `error` and `error_description`.
  expect(row.oauth).toMatch(/^[a-z_]+$/)
  for (const text of [row.says, row.hint]) {
    expect(text).toMatch(/^[A-Z][\x20-\x21\x23-\x5b\x5d-\x7e]+\.$/)
    expect(text.length).toBeLessThanOrEqual(160)
  }
})

test('an unknown client and a wrong credential read the same', () => {
  expect(refusals.client_unknown).toEqual(refusals.client_authentication_failed)
})

test('a refusal shows its row and its detail, and keeps its cause to itself', () => {
  const secret = new Error('token eyJhbGciOi')
  const refusal = new Refusal('malformed', { detail: 'At character 3.', cause: secret })
  expect(refusal).toMatchObject({ code: 'malformed', ...refusals.malformed, detail: 'At character 3.', cause: secret })
  expect(JSON.stringify(refusal)).not.toContain('eyJ')
  expect(refusal.message).toBe(refusals.malformed.says)
})

test('an error that is no refusal becomes internal_error and tells nothing', () => {
  const refusal = asRefusal(new TypeError('secret'))
  expect(refusal.code).toBe('internal_error')
  expect(`${refusal.message} ${JSON.stringify(refusal)}`).not.toContain('secret')
  const known = refusalOf('not_found')
  expect(asRefusal(known)).toBe(known)
  expect(isRefusal({ code: 'not_found' })).toBe(false)
})

test('refusing throws', () => {
  expect(() => refuse('forbidden' satisfies RefusalCode)).toThrow(Refusal)
})
