import { type Case, describe, type Violation } from '../check.ts'

/** A fault of what lies below is 503, which says that the caller may come again; anything else is a mistake of ours. */
export function answers({ told }: Case): Violation[] {
  return told
    .filter(({ status }) => status !== undefined && status >= 500 && status !== 503)
    .map((one) => ({ rule: 'answers', says: `${describe(one)}: answered ${one.status}` }))
}
