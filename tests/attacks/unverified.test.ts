// What a token says before it is verified reaches no decision (A28): nobody but the verifiers can read one without its key.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import * as protocol from '@credence/protocol'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** The source of everything that is shipped, by its path. */
const sources = new Map(
  ['packages/protocol', 'packages/authority', 'packages/cli', 'sdks/typescript'].flatMap((path) => {
    const files = readdirSync(join(root, path, 'src'), { recursive: true, withFileTypes: true })
    return files
      .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map(({ parentPath, name }) => {
        const file = join(parentPath, name)
        return [relative(root, file), readFileSync(file, 'utf8')] as const
      })
  }),
)

/** Where a pattern occurs in code: comments speak of it, and are no use of it. */
function filesWith(pattern: RegExp): string[] {
  const code = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  return [...sources].filter(([, text]) => pattern.test(code(text))).map(([path]) => path)
}

test('reading without verifying stays inside the protocol', () => {
  expect(sources.size).toBeGreaterThan(150)
  const readers = Object.keys(protocol).filter((name) => /^(?:read|decode|parse|unverified|peek)/i.test(name))
  // A DPoP header is read from a request's headers, a scope, a SPIFFE ID, a constraint and JSON are no token. A statement is read by
  // who hands it on, before anybody has verified it; a leaf is what a record says.
  const noToken = ['readDpopHeader', 'parseScope', 'parseSpiffeId', 'parseConstraints', 'parseJson', 'parseJsonBytes']
  expect(readers.filter((name) => !noToken.includes(name)).sort()).toEqual(['decodeLeaf', 'readStatement'])
})

test('inside, who reads also verifies', () => {
  const readers = filesWith(/\breadJws\(/).filter((path) => path !== 'packages/protocol/src/jws.ts')
  expect(readers.length).toBeGreaterThan(3)
  // A statement is verified with its chain, by chain.ts, hop by hop.
  const elsewhere = new Set(['packages/protocol/src/delegation/statement.ts'])
  for (const path of readers.filter((path) => !elsewhere.has(path))) {
    expect([path, /\bverifyJws\(/.test(sources.get(path) ?? '')]).toEqual([path, true])
  }
  expect(sources.get('packages/protocol/src/delegation/chain.ts')).toMatch(/\bverifyJws\(/)
})

test('who reads a statement that nobody has verified is named here, with what it is for', () => {
  const why: Record<string, string> = {
    'packages/protocol/src/delegation/chain.ts': 'verifies it next',
    'packages/authority/src/delegations/find.ts': 'from the store, where only verified ones are',
    'packages/authority/src/delegations/append.ts': 'just signed by the authority itself',
    'packages/cli/src/commands/delegation_making.ts': 'just signed by who runs the command',
    'packages/cli/src/life/world.ts': 'shown to people',
    'packages/cli/src/life/acts/refusals.ts': 'to forge another one, in the story',
    'sdks/typescript/src/agent/delegate.ts': 'handed on by its delegate, who is the first to be wronged by a false one',
    'sdks/typescript/src/agent/delegation.ts': 'handed on by its delegate',
    'sdks/typescript/src/verifier/statements.ts': 'verifies it next',
  }
  const readers = filesWith(/\breadStatement\(/).filter(
    (path) => path !== 'packages/protocol/src/delegation/statement.ts',
  )
  expect(readers.sort()).toEqual(Object.keys(why).sort())
})

test('nobody takes a token apart by hand, nor with a library that would', () => {
  expect(filesWith(/\bdecodeJwt\b|\bdecodeProtectedHeader\b|\bjwtDecode\b|jws\.decode|jsonwebtoken/)).toEqual([])
  const apart = filesWith(/\.split\(\s*['"`]\.['"`]/)
  expect(apart.sort()).toEqual([
    // Sealed keys and cursors, each authenticated as a whole.
    'packages/authority/src/endpoints/page.ts',
    'packages/authority/src/tokens/sealing.ts',
    // Shown to people, under the words that nobody vouches for it.
    'packages/cli/src/token_report.ts',
    // The header of a statement, whose shape its reader checks.
    'packages/protocol/src/delegation/statement.ts',
  ])
})
