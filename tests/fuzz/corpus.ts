// The kept corpus: one small file for each input, below the name of its target, named by its hash.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = join(import.meta.dirname, 'corpus')

/** In the order of the names, which is the same everywhere. */
export function readCorpus(target: string): Uint8Array[] {
  const folder = join(directory, target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))))
}

/** Replaces what is kept of this target. */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  const folder = join(directory, target)
  mkdirSync(folder, { recursive: true })
  const wanted = new Map(inputs.map((input) => [nameOf(input), input]))
  for (const name of readdirSync(folder)) if (!wanted.has(name)) rmSync(join(folder, name))
  for (const [name, input] of wanted) if (!existsSync(join(folder, name))) writeFileSync(join(folder, name), input)
}

/** Adds one input that something did not hold for, so that it is tried again until it does. */
export function addToCorpus(target: string, input: Uint8Array): void {
  mkdirSync(join(directory, target), { recursive: true })
  writeFileSync(join(directory, target, nameOf(input)), input)
}

function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}
