// What a row of the table takes, drawn from its own schemas: a new row is asked about without anybody teaching the tests.

import type { endpoints } from '@credence/authority'
import { z } from 'zod'

export type Row = (typeof endpoints)[number]

export const nameOf = (row: Row): string => `${row.method.toUpperCase()} ${row.path}`

/** Something that the schema takes, with as little in it as may be; the first of `things` that fits, wherever one is asked for. */
export function fitting(schema: z.ZodType, things: readonly unknown[]): unknown {
  if (schema.safeParse(undefined).success) return undefined
  if (schema instanceof z.ZodObject) {
    const members = Object.entries(schema.shape as Record<string, z.ZodType>)
    const values = members.map(([name, member]) => [name, fitting(member, things)] as const)
    return Object.fromEntries(values.filter(([, value]) => value !== undefined))
  }
  if (schema instanceof z.ZodArray) return [fitting(schema.element as z.ZodType, things)]
  if (schema instanceof z.ZodEnum) return schema.options[0]
  const found = things.find((thing) => schema.safeParse(thing).success)
  if (found === undefined) throw new Error(`nothing here fits ${JSON.stringify(z.toJSONSchema(schema, loosely))}`)
  return found
}

export const loosely = { io: 'input', unrepresentable: 'any' } as const

/** The row's path with what fits into its places, escaped. */
export function pathOf(row: Row, things: readonly unknown[]): string {
  const values = row.params ? (fitting(row.params, things) as Record<string, string>) : {}
  return row.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

/** Below an issuer or at the origin, as the row says. */
export function urlOf(row: Row, at: { origin: string; issuer: string }, things: readonly unknown[]): string {
  return `${row.at === 'origin' ? at.origin : at.issuer}${pathOf(row, things)}`
}

/** `?name=value`, or nothing. */
export function queryOf(values: Record<string, unknown>): string {
  const search = new URLSearchParams(Object.entries(values).map(([name, value]) => [name, `${value}`]))
  return search.size === 0 ? '' : `?${search}`
}
