import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentKey } from '../index.ts'
import { loadKey, saveKey } from '../node.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credence-key-'))
})
afterAll(() => rm(directory, { recursive: true }))

const algorithms = ['ES256', 'EdDSA', 'RS256'] as const

test.each(algorithms)(
  'an %s key saved to a file is its owner’s alone, and signs the same when it is loaded',
  async (algorithm) => {
    const key = await AgentKey.generate({ algorithm, savable: true })
    const file = join(directory, algorithm)
    await saveKey(key, file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const loaded = await loadKey(file)
    expect(loaded.publicJwk).toEqual(key.publicJwk)
    expect(loaded.kid).toBe(key.kid)
    await expect(saveKey(loaded, join(directory, 'copy'))).rejects.toMatchObject({ code: 'key_not_savable' })
    await expect(saveKey(key, file)).rejects.toMatchObject({ code: 'EEXIST' })
  },
)

test('a key that others may read is not used', async () => {
  const key = await AgentKey.generate({ savable: true })
  const file = join(directory, 'open')
  await saveKey(key, file)
  const { chmod } = await import('node:fs/promises')
  await chmod(file, 0o640)
  await expect(loadKey(file)).rejects.toMatchObject({ code: 'key_file_unsafe' })
})

test('nothing that prints, serialises, walks or clones a key finds its private half', async () => {
  const key = await AgentKey.generate({ savable: true })
  const file = join(directory, 'canary')
  await saveKey(key, file)
  const { d } = JSON.parse(await readFile(file, 'utf8')) as { d: string }
  const walked: unknown[] = []
  for (let level: object | null = key; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    for (const name of Reflect.ownKeys(level)) walked.push(Reflect.getOwnPropertyDescriptor(level, name)?.value)
  }
  const seen = [
    JSON.stringify(key),
    JSON.stringify({ nested: [key] }),
    `${key}`,
    inspect(key, { showHidden: true, depth: 10, getters: true }),
    inspect(structuredClone(key), { depth: 10, showHidden: true }),
    inspect(Object.entries(key), { showHidden: true, depth: 10 }),
    inspect(walked, { showHidden: true, depth: 10, customInspect: false }),
    inspect(key, { customInspect: false, showHidden: true, depth: 10 }),
  ].join('\n')
  expect(seen).not.toContain(d)
  expect(seen).toContain(key.kid)
})
