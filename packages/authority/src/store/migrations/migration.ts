import type { Compilable } from 'kysely'
import type { Builder, EngineName } from '../engine.ts'

/**
 * One step of the schema. Its statements run in one transaction together with the note that it was taken, so that it is wholly
 * there or not at all. A step that was released is never edited: the next one is added.
 */
export type Migration = {
  version: number
  name: string
  statements(db: Builder, engine: EngineName): readonly Compilable[]
}
