/** Reads what stands on a command line into the values the API takes. Each is a commander option parser. */

import type { Constraint } from '@credence/protocol'
import { misused } from './failure.ts'

export type Permission = { resource: string; scope: string }

/** Gathers an option that may be given several times. */
export const collect = (text: string, before: string[] = []): string[] => [...before, text]

/** `https://api.example=repo:read pr:write:*`, gathered. The last `=` divides: an audience may hold one, a scope here never does. */
export function permission(text: string, before: Permission[] = []): Permission[] {
  const at = text.lastIndexOf('=')
  if (at <= 0 || at === text.length - 1) {
    misused(
      `--may takes <resource>=<scopes>, and "${text}" is not that.`,
      "Such as --may 'https://api.example=repo:read pr:write:*'.",
    )
  }
  return [...before, { resource: text.slice(0, at), scope: text.slice(at + 1) }]
}

/** `90s`, `15m`, `2h`, `7d` or plain seconds, in seconds. */
export function seconds(text: string): number {
  return Math.ceil(milliseconds(text) / 1000)
}

/** `250ms`, `2s`, `15m`, `2h`, `7d` or plain seconds, in milliseconds. */
export function milliseconds(text: string): number {
  const found = /^(\d{1,9})(ms|[smhd])?$/.exec(text)
  if (found === null) misused(`"${text}" is not a duration.`, 'Such as 250ms, 90s, 15m, 2h or 7d.')
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[found[2] ?? 's'] ?? 1
  return Number(found[1]) * unit
}

/** How long a command may wait for enforcement points, in milliseconds: at most ten seconds. */
export function waiting(text: string): number {
  const wait = milliseconds(text)
  if (wait > 10_000) misused(`"${text}" is too long to wait: 10s at most.`, 'What has ended has ended without waiting.')
  return wait
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) misused(`"${text}" is not a whole number.`)
  return Number(text)
}

/**
 * A bound on an argument of calls, gathered: `amount<=50`, `amount>=1`, `branch^=feature/` (begins with), `region=eu,us` (one of),
 * `region!=us` (none of). A value is a number where it reads as one.
 */
export function constraint(text: string, before: Constraint[] = []): Constraint[] {
  const found = /^([^<>=!^]+)(<=|>=|\^=|!=|=)(.*)$/s.exec(text)
  const [, key = '', sign = '', value = ''] = found ?? []
  const list = value.split(',').map(scalar)
  switch (sign) {
    case '<=':
      return [...before, { key, max: number(value, text) }]
    case '>=':
      return [...before, { key, min: number(value, text) }]
    case '^=':
      return [...before, { key, prefix: value }]
    case '!=':
      return [...before, { key, not_one_of: list }]
    case '=':
      return [...before, { key, one_of: list }]
    default:
      return misused(`"${text}" is not a constraint.`, "Such as 'amount<=50', 'branch^=feature/' or 'region=eu,us'.")
  }
}

/** A constraint as people write it: the inverse of the above, and JSON for what it has no sign for. */
export function constraintText(bound: Constraint): string {
  const { key, ...rest } = bound as { key: string } & Record<string, unknown>
  const [[type, value] = []] = Object.entries(rest)
  if (type === 'max') return `${key} ≤ ${value}`
  if (type === 'min') return `${key} ≥ ${value}`
  if (type === 'prefix') return `${key} begins with ${value}`
  if (type === 'one_of' && Array.isArray(value)) return `${key} is ${value.join(' or ')}`
  if (type === 'not_one_of' && Array.isArray(value)) return `${key} is not ${value.join(' nor ')}`
  return JSON.stringify(bound)
}

function scalar(text: string): string | number {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
}

function number(value: string, text: string): number {
  const read = scalar(value)
  return typeof read === 'number' ? read : misused(`"${text}" does not compare with a number.`)
}
