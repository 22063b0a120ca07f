// What a user of the packages gets: the tarballs as published, in an empty project, far from this repository's sources.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const workspaces = ['packages/protocol', 'packages/authority', 'packages/cli', 'sdks/typescript']
const subpaths = [
  '@credence/protocol',
  '@credence/sdk',
  '@credence/sdk/verify',
  '@credence/sdk/edge',
  '@credence/sdk/hono',
  '@credence/sdk/express',
  '@credence/sdk/node',
]

let directory: string
let project: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'credence-packages-'))
  project = join(directory, 'project')
  mkdirSync(project)

  run(process.execPath, [join(root, 'tools/build.mjs')], root)
  const flags = workspaces.map((path) => `--workspace=${path}`)
  const packed = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', directory, ...flags], root))
  const tarballs = (Array.isArray(packed) ? packed : Object.values(packed)) as { name: string; filename: string }[]

  const dependencies = Object.fromEntries(
    tarballs.map(({ name, filename }) => [name, `file:${join(directory, filename)}`]),
  )
  // Who uses the middleware for Hono has it.
  const { hono } = (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: { hono: string } }
  ).devDependencies
  const manifest = {
    name: 'user',
    private: true,
    type: 'module',
    dependencies: { ...dependencies, hono },
    overrides: dependencies,
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
  run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], project)
}, 180_000)

afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('the tarballs hold what is published and nothing else', () => {
  for (const path of workspaces) {
    const packed = JSON.parse(run('npm', ['pack', '--json', '--dry-run', `--workspace=${path}`], root))
    const [tarball] = (Array.isArray(packed) ? packed : Object.values(packed)) as { files: { path: string }[] }[]
    for (const file of tarball?.files ?? []) {
      expect(file.path).toMatch(/^(dist\/.*\.(js|js\.map|d\.ts)|package\.json|LICENSE|README\.md)$/)
      expect(file.path).not.toMatch(/\.test\./)
    }
    expect(tarball?.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json']),
    )
  }
})

test('every published entry point imports in plain Node', () => {
  const script = `const names = ${JSON.stringify(subpaths)}
const found = {}
for (const name of names) found[name] = Object.keys(await import(name)).sort()
console.log(JSON.stringify(found))`
  writeFileSync(join(project, 'use.js'), script)
  const found = JSON.parse(run(process.execPath, ['use.js'], project))
  expect(Object.keys(found)).toEqual(subpaths)
})

test('the installed command starts', () => {
  run(join(project, 'node_modules/.bin/credence'), ['--help'], project)
})

test('the published types check in a strict project', () => {
  const imports = subpaths.map((name, n) => `import * as m${n} from '${name}'`).join('\n')
  writeFileSync(join(project, 'use.ts'), `${imports}\nexport const all = [${subpaths.map((_, n) => `m${n}`)}]\n`)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }))
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', '.'], project)
})

/** With the settings of this repository's own npm run left behind, as the user's shell would. */
function run(command: string, args: string[], cwd: string): string {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^npm_(?!config_(registry|cache|userconfig|globalconfig|proxy|https_proxy)$)|^NODE_OPTIONS$/i.test(name),
    ),
  )
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env: environment })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`)
  return stdout
}
