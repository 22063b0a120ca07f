import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/index.ts'
import { contract, type Place } from './contract.ts'

const directories: string[] = []
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

contract('SQLite', async (): Promise<Place> => {
  const directory = mkdtempSync(join(tmpdir(), 'credence-store-'))
  directories.push(directory)
  const at = join(directory, 'credence.db')
  return { engine: 'sqlite', at, open: () => openSqlite({ file: at }), deserted: async () => {} }
})
