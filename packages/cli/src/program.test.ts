import { settings } from '@credence/authority'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { examplesFor } from './command.ts'
import { program } from './program.ts'
import { renderReference } from './reference.ts'
import { run } from './run.ts'
import type { Terminal } from './terminal.ts'

function silent(): Terminal & { out: () => string; err: () => string } {
  const out: string[] = []
  const err: string[] = []
  return {
    env: {},
    write: (text) => void out.push(text),
    note: (text) => void err.push(text),
    colour: false,
    columns: 120,
    untilStopped: () => new Promise(() => undefined),
    readStandardInput: async () => '',
    out: () => out.join(''),
    err: () => err.join(''),
  }
}

function leaves(command: Command, path: string[] = []): Array<{ path: string[]; command: Command }> {
  if (command.commands.length === 0) return [{ path, command }]
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
}

const all = leaves(program(silent(), settings))

test('every command says what it is, shows an example of itself, and takes --json', () => {
  for (const { path, command } of all) {
    const examples = examplesFor(command)
    expect(command.description(), path.join(' ')).not.toBe('')
    expect(
      examples.some((line) => line.includes(`credence ${path.join(' ')}`)),
      path.join(' '),
    ).toBe(true)
    expect(
      command.options.map(({ long }) => long),
      path.join(' '),
    ).toContain('--json')
  }
})

test('every option in an example exists', () => {
  for (const { path, command } of all) {
    for (const line of examplesFor(command)) {
      const own = line.split('&&').find((part) => part.includes(`credence ${path.join(' ')}`)) ?? ''
      for (const [flag] of own.matchAll(/--[a-z-]+/g)) {
        expect(
          command.options.map(({ long }) => long),
          `${flag} in: ${line}`,
        ).toContain(flag)
      }
    }
  }
})

test('no option takes a secret itself', () => {
  const taken = all
    .flatMap(({ command }) => command.options)
    .filter(({ flags }) => /<(?:secret|password|token|key)>/.test(flags))
  expect(taken).toEqual([])
})

test('every command answers --help with 0, on standard output', async () => {
  for (const { path } of all) {
    const terminal = silent()
    expect(await run([...path, '--help'], terminal), path.join(' ')).toBe(0)
    expect(terminal.out()).toContain('Examples:')
    expect(terminal.err()).toBe('')
  }
})

test('help for a command can be asked for in front of it', async () => {
  for (const words of [[], ['agents'], ['agents', 'list'], ['start']]) {
    const [before, after] = [silent(), silent()]
    expect(await run(['help', ...words], before)).toBe(0)
    expect(await run([...words, '--help'], after)).toBe(0)
    expect(before.out()).toBe(after.out())
    expect(before.out()).toContain(`Usage: credence ${words.join(' ')}`.trimEnd())
  }
})

test('words that are off give 2 and a hint, on standard error', async () => {
  for (const words of [
    ['bogus'],
    ['agents', 'lst'],
    ['agents', 'show'],
    ['revoke', 'x', '--wait', 'soon'],
    ['revoke', 'x', '--wait', '11s'],
    ['agents', 'list', '--no'],
  ]) {
    const terminal = silent()
    expect(await run(words, terminal), words.join(' ')).toBe(2)
    expect(terminal.err()).toMatch(/^credence: .+ \(usage\)\n {2}.+\n$/)
    expect(terminal.out()).toBe('')
  }
})

test('a store URL with a password is refused on the command line', async () => {
  for (const words of [
    ['start', '--store', 'postgres://me:hunter2@db/credence'],
    ['init', '--origin', 'https://a.example', '--domain', 'a.example', '--store', 'postgres://me:hunter2@db/credence'],
  ]) {
    const terminal = silent()
    expect(await run(words, terminal)).toBe(2)
    expect(terminal.err()).not.toContain('hunter2')
  }
})

test('docs/reference/cli.md is what the commands say', async () => {
  const page = renderReference(program(silent(), settings))
  await expect(page).toMatchFileSnapshot('../../../docs/reference/cli.md')
})
