import { first } from './0001_first.ts'
import { given } from './0002_given.ts'
import type { Migration } from './migration.ts'

/** In order; the last is the schema of this version. */
export const migrations: readonly Migration[] = [first, given]
