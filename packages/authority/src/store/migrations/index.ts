import { first } from './0001_first.ts'
import type { Migration } from './migration.ts'

/** In order; the last is the schema of this version. */
export const migrations: readonly Migration[] = [first]
