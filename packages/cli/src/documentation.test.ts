import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { settings } from '@credence/authority'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { program } from './program.ts'

const root = resolve(import.meta.dirname, '../../..')
const guides = readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`)
const packages = ['packages/protocol', 'packages/authority', 'packages/cli', 'sdks/typescript']
const published = packages.map((path) => `${path}/README.md`)
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...published, ...guides]
const credence = program(
  {
    env: {},
    write: () => undefined,
    note: () => undefined,
    colour: false,
    columns: 120,
    untilStopped: () => new Promise(() => undefined),
    readStandardInput: async () => '',
  },
  settings,
)

/** Command lines in shell blocks and in code spans, with continued lines joined. */
function linesOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block.replaceAll('\\\n', ' ').split('\n'),
  )
  const spans = [...text.matchAll(/`(credence [^`]+)`/g)].map(([, span = '']) => span)
  return [...blocks, ...spans].filter((line) => /^credence [a-z]/.test(line))
}

function find(line: string): { command: Command; flags: string[] } | undefined {
  const words = line.split(/\s+/).slice(1)
  let command = credence
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined) break
    command = next
  }
  return command === credence ? undefined : { command, flags: words.filter((word) => word.startsWith('--')) }
}

test('every command that the documentation shows exists, with its options', () => {
  let found = 0
  for (const page of pages) {
    for (const line of linesOf(page)) {
      const shown = find(line)
      expect(shown, `${page}: ${line}`).toBeDefined()
      const known = shown?.command.options.map(({ long }) => long)
      for (const flag of shown?.flags ?? []) expect(known, `${page}: ${line}`).toContain(flag)
      found++
    }
  }
  expect(found).toBeGreaterThan(10)
})

test('every link of the documentation leads somewhere', () => {
  for (const page of [...pages, 'docs/reference/cli.md', 'docs/decisions/README.md', 'CHANGELOG.md']) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      expect(existsSync(resolve(root, page, '..', target)), `${page}: ${target}`).toBe(true)
    }
  }
})
