import { type RefusalCode, refuse } from '@credence/protocol'
import type { z } from 'zod'

const mostShown = 5

/**
 * The value in the shape the schema says, or `otherwise` with the paths of what does not fit. Values, and names the schema
 * does not know, are never repeated.
 */
export function validate<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  place: 'body' | 'query' | 'path',
  otherwise: RefusalCode = 'validation_failed',
): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues
    .slice(0, mostShown)
    .map((issue) => `${pathOf(place, issue)} ${problemOf(issue, schema)}`)
  const more = parsed.error.issues.length - mostShown
  return refuse(otherwise, { detail: `${problems.join('; ')}${more > 0 ? `; and ${more} more` : ''}.` })
}

function pathOf(place: string, issue: z.core.$ZodIssue): string {
  return issue.path.reduce<string>(
    (path, part) => `${path}${typeof part === 'number' ? `[${part}]` : `.${known(part)}`}`,
    place,
  )
}

/** Names in schemas are snake case; anything else came from the request. */
function known(part: PropertyKey): string {
  return typeof part === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(part) ? part : '(…)'
}

function problemOf(issue: z.core.$ZodIssue, schema: z.ZodObject): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.path.length === 0
        ? `has members that are not known (known are: ${Object.keys(schema.shape).join(', ')})`
        : 'has members that are not known'
    case 'invalid_type':
      return `must be ${issue.expected}`
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_value':
      return `must be one of: ${issue.values.map(String).join(', ')}`
    case 'custom':
      return issue.message
    default:
      return 'has the wrong form'
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long'
  return origin === 'array' ? ' items long' : ''
}
