import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { beforeEach } from 'vitest'

/** Test data that nobody here wrote: beside the repository, not in it. */
const home = new URL('../../../../shared/vectors/', import.meta.url)

export function vectorText(path: string): string {
  return readFileSync(new URL(path, home), 'utf8')
}

export function vectorNames(folder: string): string[] {
  return existsSync(new URL(folder, home)) ? readdirSync(new URL(folder, home)) : []
}

/** The paths of all JSON files below a folder. */
export function vectorsIn(folder: string): string[] {
  return readdirSync(new URL(folder, home), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${folder}/${name}`)
}

/** Skips every test of the file, saying why, where `path` is absent. */
export function needsVectors(path: string): boolean {
  const present = existsSync(new URL(path, home))
  beforeEach((context) => {
    if (!present) context.skip(`outside vectors are absent: ../shared/vectors/${path}`)
  })
  return present
}
