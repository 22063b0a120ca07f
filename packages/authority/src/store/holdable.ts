import type { Command } from './port.ts'

/** Whether both engines hold this text as it is: PostgreSQL knows no NUL, and what is not well formed would be changed. */
export function isHoldable(value: unknown): boolean {
  return typeof value !== 'string' || (!value.includes('\0') && value.isWellFormed())
}

/** Whether anything can match: nothing is equal to a text that cannot be held. */
export function mayMatch(where: Readonly<Record<string, unknown>>): boolean {
  for (const column in where) if (!isHoldable(where[column])) return false
  return true
}

/** The first step that has a text which cannot be held. */
export function unholdableStep({ steps }: Command): number | undefined {
  const found = steps.findIndex((step) => !holds(step))
  return found === -1 ? undefined : found
}

function holds(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return isHoldable(value)
  for (const member in value) if (!holds((value as Record<string, unknown>)[member])) return false
  return true
}
