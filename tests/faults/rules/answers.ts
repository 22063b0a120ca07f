import { type Case, describe, type Violation } from '../check.ts'

/** A fault of what lies below is 503, and soon: the caller may come again. Anything else is a mistake of ours. */
export function answers({ told }: Case): Violation[] {
  const found: string[] = []
  for (const one of told) {
    if (one.status !== undefined && one.status >= 500 && one.status !== 503) {
      found.push(`${describe(one)}: answered ${one.status}`)
    }
    if (one.why === 'TimeoutError') found.push(`${describe(one)}: left without an answer`)
  }
  return found.map((says) => ({ rule: 'answers', says }))
}
