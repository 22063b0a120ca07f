// The data of an authority on SQLite, put aside and put back: one state to begin from, as often as a test needs it.

import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const database = /^credence\.db(-wal|-shm|-journal)?$/

/** Nothing may be running on the data. */
export function keepData(directory: string, name: string): void {
  const there = join(directory, name)
  mkdirSync(there)
  copyDatabase(directory, there)
}

/** @param name of what was kept. */
export function putBack(directory: string, name: string): void {
  for (const file of readdirSync(directory)) if (database.test(file)) rmSync(join(directory, file))
  copyDatabase(join(directory, name), directory)
}

function copyDatabase(from: string, to: string): void {
  for (const file of readdirSync(from)) if (database.test(file)) cpSync(join(from, file), join(to, file))
}
