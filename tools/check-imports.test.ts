import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { checkImports, importsOf } from './check-imports.mjs'

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

const manifests = {
  'packages/protocol/package.json': '{ "name": "@credence/protocol", "dependencies": { "jose": "1" } }',
  'packages/authority/package.json':
    '{ "name": "@credence/authority", "dependencies": { "@credence/protocol": "1", "hono": "1" } }',
  'packages/cli/package.json': '{ "name": "@credence/cli", "dependencies": { "@credence/authority": "1" } }',
  'sdks/typescript/package.json': '{ "name": "@credence/sdk", "dependencies": { "@credence/protocol": "1" } }',
}

/** What the guard says about a repository with these files, as `file:line problem`. */
function check(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'credence-imports-'))
  roots.push(root)
  for (const [path, text] of Object.entries({ ...manifests, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return checkImports(root).map(({ file, line, problem }) => `${file}:${line} ${problem}`)
}

/** The same for files of the authority. */
function checkAuthority(files: Record<string, string>): string[] {
  const below = Object.entries(files).map(([path, text]) => [`packages/authority/src/${path}`, text])
  return check(Object.fromEntries(below)).map((line) => line.replace('packages/authority/src/', ''))
}

test('a tree that keeps the rule passes', () => {
  const files = {
    'main.ts': "import { app } from './app.ts'\nimport { open } from './store/sqlite/open.ts'\n",
    'index.ts': "export { main } from './main.ts'\n",
    'app.ts': "import { token } from './endpoints/token.ts'\n",
    'services.ts': "import type { Signer } from './tokens/index.ts'\n",
    'endpoints/token.ts':
      "import { grants } from '../grants/index.ts'\nimport { authenticate } from '../authentication/index.ts'\n",
    'grants/index.ts': "import { find } from '../delegations/index.ts'\nexport { exchange } from './exchange.ts'\n",
    'delegations/index.ts': "export { find } from './find.ts'\n",
    'delegations/find.ts': "import type { Store } from '../store/port.ts'\nimport { sign } from '../tokens/index.ts'\n",
    'tokens/index.ts': "import type { Services } from '../services.ts'\nimport { refuse } from '@credence/protocol'\n",
    'store/sqlite/open.ts':
      "import type { Store } from '../port.ts'\nnew Worker(new URL('./writer.ts', import.meta.url))\n",
    'store/sqlite/open.test.ts': "import { rows } from '../postgres/rows.ts'\nimport { test } from 'vitest'\n",
  }
  expect(checkAuthority(files)).toEqual([])
})

test.each([
  ['packages/protocol', '@credence/sdk'],
  ['packages/protocol', '@credence/authority'],
  ['packages/authority', '@credence/sdk'],
  ['packages/authority', '@credence/cli'],
  ['sdks/typescript', '@credence/authority'],
])('%s may not import %s', (path, name) => {
  expect(check({ [`${path}/src/a.ts`]: `\nimport { x } from '${name}'\n` })).toEqual([
    expect.stringContaining(`${path}/src/a.ts:2 imports ${name}`),
  ])
})

test('no package reaches into another’s files, and none imports itself by name', () => {
  expect(check({ 'packages/cli/src/a.ts': "import { x } from '../../authority/src/index.ts'\n" })).toHaveLength(1)
  expect(check({ 'packages/protocol/src/a.ts': "import { x } from '@credence/protocol'\n" })).toHaveLength(1)
})

test('what must run anywhere may not import Node’s modules, with or without the prefix', () => {
  expect(
    check({ 'packages/protocol/src/a.ts': "import { createHash } from 'node:crypto'\nimport fs from 'fs'\n" }),
  ).toHaveLength(2)
  expect(check({ 'sdks/typescript/src/verify.ts': "await import('node:fs')\n" })).toHaveLength(1)
  expect(check({ 'sdks/typescript/src/node.ts': "import { createServer } from 'node:http'\n" })).toEqual([])
})

test('a dependency must be declared by the package that imports it', () => {
  expect(
    check({ 'packages/protocol/src/a.ts': "import type { Hono } from 'hono'\nimport { SignJWT } from 'jose'\n" }),
  ).toEqual([expect.stringContaining('a.ts:1 imports hono, which packages/protocol/package.json does not declare')])
})

test.each([
  ['endpoints are imported by app only', 'grants/a.ts', '../endpoints/token.ts'],
  ['not by main either', 'main.ts', './endpoints/token.ts'],
  ['a driver is imported by main only', 'tokens/a.ts', '../store/sqlite/open.ts'],
  ['not by app either', 'app.ts', './store/postgres.ts'],
  ['not by the port either', 'store/port.ts', './sqlite/open.ts'],
  ['one driver does not start the domain', 'store/postgres/a.ts', '../../tokens/index.ts'],
  ['the domain knows no grant', 'delegations/a.ts', '../grants/index.ts'],
  ['nor who authenticated', 'delegations/a.ts', '../authentication/index.ts'],
  ['nor the app', 'agents/a.ts', '../app.ts'],
  ['a domain folder is entered by its index', 'agents/a.ts', '../tokens/mint.ts'],
  ['by endpoints too', 'endpoints/a.ts', '../tokens/mint.ts'],
  ['for types too', 'agents/a.ts', '../tokens/mint.ts', 'import type'],
  ['a re-export is an import', 'agents/a.ts', '../tokens/mint.ts', 'export'],
])('%s: %s may not import %s', (_rule, from, to, keyword = 'import') => {
  expect(checkAuthority({ [from]: `${keyword} { x } from '${to}'\n` })).toEqual([expect.stringContaining(`${from}:1`)])
})

test('folders do not import each other in a circle, however long', () => {
  const files = {
    'agents/index.ts': "import { x } from '../tokens/index.ts'\n",
    'tokens/index.ts': "export { y } from './y.ts'\n",
    'tokens/y.ts': "import { z } from '../audit/index.ts'\n",
    'audit/index.ts': "import { a } from '../agents/index.ts'\n",
  }
  expect(checkAuthority(files)).toEqual([
    expect.stringMatching(/closes a circle of folders: agents -> tokens -> audit -> agents/),
  ])
  expect(checkAuthority({ ...files, 'audit/index.ts': "import type { a } from '../agents/index.ts'\n" })).toEqual([])
})

test('every form of import is seen, on the line where it starts, and comments are not', () => {
  const text = `import a, { b } from 'one'
import {
  c,
} from "two"
import 'three'
export * as d from 'four'
export type { E } from 'five'
const f = await import('six')
// import g from 'no'
/** @type {import('no').G} */
 * import('no')
import { type H } from 'seven'
`
  const found = importsOf(text).sort((x, y) => x.line - y.line)
  expect(found.map(({ specifier, line, typeOnly }) => `${line} ${specifier}${typeOnly ? ' type' : ''}`)).toEqual([
    '1 one',
    '2 two',
    '5 three',
    '6 four',
    '7 five type',
    '8 six',
    '12 seven',
  ])
})
