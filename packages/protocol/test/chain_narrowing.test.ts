import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Constraint } from '../src/constraints.ts'
import { narrows } from '../src/delegation/narrows.ts'
import type { Statement } from '../src/delegation/statement.ts'
import { newId } from '../src/identifiers.ts'
import type { JsonObject } from '../src/json.ts'
import { agents, alpha, below, crm, files, mail, now, root, signed, verify } from './delegation_world.ts'
import { outcome } from './outcome.ts'

// What authority means, written a second time and as plainly as can be: as lists of what may be done.
const words = ['crm:read', 'crm:write', 'crm:write:all', 'crm', 'mail:send', 'mail:Send', 'User.Read', 'pay:send']
const values = [undefined, 0, 1, 2, 3, 'a', 'ab', 'b', true, null, ['a']]
const calls = values.flatMap((rows) => values.map((path) => ({ rows, path })))
const resources = [crm, files, mail, 'https://pay.example.com']

function allowsWord(statement: Statement, word: string): boolean {
  return statement.scope
    .split(' ')
    .some((held) => held === word || (held.endsWith('*') && word.startsWith(held.slice(0, -1)) && !/[A-Z.]/.test(word)))
}

function allowsCall(statement: Statement, call: { [key: string]: unknown }): boolean {
  return (statement.constraints ?? []).every((constraint) => {
    const { key, ...rest } = constraint as JsonObject & { key: string }
    const value = call[key]
    if (value === undefined) return false
    if ('max' in rest) return typeof value === 'number' && value <= (rest.max as number)
    if ('min' in rest) return typeof value === 'number' && value >= (rest.min as number)
    if ('one_of' in rest) return (rest.one_of as unknown[]).includes(value)
    if ('not_one_of' in rest) return !Array.isArray(value) && !(rest.not_one_of as unknown[]).includes(value)
    if ('prefix' in rest) return typeof value === 'string' && value.indexOf(rest.prefix as string) === 0
    if ('rank' in rest) {
      const order = rest.order as unknown[]
      return order.includes(value) && order.indexOf(value) <= order.indexOf(rest.rank)
    }
    return false
  })
}

/** Why `child` is wider, longer or deeper than `parent`; undefined when it is not. */
function widened(parent: Statement, child: Statement): string | undefined {
  const word = words.find((one) => allowsWord(child, one) && !allowsWord(parent, one))
  if (word) return `may ${word}`
  const call = calls.find((one) => allowsCall(child, one) && !allowsCall(parent, one))
  if (call) return `may call with ${JSON.stringify(call)}`
  const reach = ({ aud, onward }: Statement) => [...aud, ...(onward ?? [])]
  const place = resources.find((one) => reach(child).includes(one) && !reach(parent).includes(one))
  if (place) return `reaches ${place}`
  const onBehalf = child.evidence.kind === 'attested' && child.evidence.how === 'on_behalf_of'
  const used = onBehalf ? (parent.onward ?? []) : parent.aud
  if (child.aud.some((one) => !used.includes(one))) return 'is used where its parent is not'
  if (child.exp > parent.exp) return 'lives longer'
  if (child.max_depth >= parent.max_depth) return 'goes deeper'
  if (parent.task !== undefined && child.task !== parent.task) return 'leaves the task'
  if (parent.sid !== undefined && child.sid !== parent.sid) return 'leaves the session'
  return child.sub === parent.sub ? undefined : 'is for another'
}

const pool: readonly Constraint[] = [
  { key: 'rows', max: 1 },
  { key: 'rows', max: 2 },
  { key: 'rows', min: 1 },
  { key: 'rows', min: 2 },
  { key: 'rows', one_of: [1, 2] },
  { key: 'rows', one_of: [1, 'a', true] },
  { key: 'path', not_one_of: ['b'] },
  { key: 'path', not_one_of: ['a', 'b'] },
  { key: 'path', prefix: 'a' },
  { key: 'path', prefix: 'ab' },
  { key: 'path', rank: 'a', order: ['a', 'ab', 'b'] },
  { key: 'path', rank: 'ab', order: ['a', 'ab', 'b'] },
  { key: 'path', rank: 'a', order: ['b', 'ab', 'a'] },
  { key: 'path', max_lifetime: 2 },
  { key: 'path', units: 2 },
]
const constraints = fc.uniqueArray(fc.constantFrom(...pool), {
  maxLength: 3,
  selector: (one) => Object.keys(one).join(),
})
const scopes = fc.uniqueArray(fc.constantFrom(...words, 'crm:*', 'crm:write:*', 'mail:*'), {
  minLength: 1,
  maxLength: 4,
})

/** One hand-over: for each field, how it is to be less (`keep` parts of it), or else what it is set to, which may be more. */
const handOver = fc.record({
  to: fc.constantFrom(...agents),
  scope: fc.oneof({ weight: 15, arbitrary: fc.nat() }, { weight: 1, arbitrary: scopes }),
  aud: fc.oneof(
    { weight: 15, arbitrary: fc.nat() },
    { weight: 1, arbitrary: fc.subarray(resources, { minLength: 1 }) },
  ),
  onward: fc.oneof(
    { weight: 15, arbitrary: fc.nat() },
    { weight: 1, arbitrary: fc.subarray(resources, { minLength: 1 }) },
  ),
  constraints: fc.oneof({ weight: 15, arbitrary: fc.nat() }, { weight: 1, arbitrary: constraints }),
  exp: fc.oneof({ weight: 15, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.constant('later' as const) }),
  depth: fc.oneof(
    { weight: 15, arbitrary: fc.constantFrom(0, 0, 1) },
    { weight: 1, arbitrary: fc.constant('more' as const) },
  ),
  task: fc.oneof(
    { weight: 15, arbitrary: fc.constant('keep' as const) },
    { weight: 1, arbitrary: fc.constantFrom('T-1', 'T-2', undefined) },
  ),
  session: fc.oneof(
    { weight: 15, arbitrary: fc.constant('keep' as const) },
    { weight: 1, arbitrary: fc.constantFrom('S-1', 'S-2', undefined) },
  ),
  onBehalf: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
})
type HandOver = typeof handOver extends fc.Arbitrary<infer T> ? T : never

/** Some of these, at least one, by the bits of `pick`. */
function some<T>(all: readonly T[], pick: number): T[] {
  const kept = all.filter((_, place) => (pick >> place) & 1)
  return kept.length > 0 ? kept : all.slice(0, 1)
}

function hand(parent: Statement, step: HandOver): { child: Statement; onlyLess: boolean } {
  const { onward, constraints, task, sid, ...rest } = parent
  const child: Statement = {
    ...below(rest, step.to),
    scope: (typeof step.scope === 'number' ? some(parent.scope.split(' '), step.scope) : step.scope).join(' '),
    aud: typeof step.aud === 'number' ? some((step.onBehalf ? onward : undefined) ?? parent.aud, step.aud) : step.aud,
    exp: step.exp === 'later' ? parent.exp + 1 : Math.max(parent.exp - step.exp, now + 1),
    max_depth: step.depth === 'more' ? parent.max_depth : Math.max(0, parent.max_depth - 1 - step.depth),
    constraints:
      typeof step.constraints === 'number' ? tightened(constraints ?? [], step.constraints) : step.constraints,
  }
  const further = typeof step.onward === 'number' ? onward && some(onward, step.onward) : step.onward
  if (further) child.onward = further
  const within = step.task === 'keep' ? task : step.task
  if (within !== undefined) child.task = within
  const session = step.session === 'keep' ? sid : step.session
  if (session !== undefined) child.sid = session
  if (step.onBehalf) child.evidence = { kind: 'attested', by: newId('agt'), how: 'on_behalf_of' }
  const set = [step.scope, step.aud, step.onward, step.constraints].some((field) => typeof field !== 'number')
  const onlyLess =
    !set &&
    step.exp !== 'later' &&
    step.depth !== 'more' &&
    parent.max_depth > 0 &&
    step.task === 'keep' &&
    step.session === 'keep' &&
    !(step.onBehalf && onward === undefined)
  return { child, onlyLess }
}

/** The same constraints, a maximum lowered and one more added now and then. */
function tightened(list: readonly Constraint[], pick: number): Constraint[] {
  const tighter = list.map((one) => ('max' in one && pick & 1 ? { key: one.key, max: (one.max as number) - 1 } : one))
  return pick & 2 ? [...tighter, { key: `extra_${tighter.length}`, max: 1 }] : tighter
}

const start = fc.record({
  scope: scopes,
  constraints,
  aud: fc.subarray(resources, { minLength: 1 }),
  depth: fc.integer({ min: 1, max: 6 }),
  task: fc.constantFrom({}, { task: 'T-1' }, { sid: 'S-1' }, { task: 'T-1', sid: 'S-1' }),
})

describe('whatever the sequence of hand-overs', () => {
  const numRuns = process.env.CREDENCE_LONG ? 10_000 : 400

  test('no accepted hop is wider, longer or deeper than any hop above it', async () => {
    const seen = { accepted: 0, refused: 0, onlyLess: 0 }
    await fc.assert(
      fc.asyncProperty(start, fc.array(handOver, { minLength: 1, maxLength: 4 }), async (first, steps) => {
        const { depth, scope, task, ...more } = first
        const hops = [root({ ...more, ...task, scope: scope.join(' '), max_depth: depth, delegate: alpha })]
        let onlyLess = true
        for (const step of steps) {
          const parent = hops.at(-1) as Statement
          const handed = hand(parent, step)
          hops.push(handed.child)
          onlyLess = onlyLess && handed.onlyLess
        }
        const code = await outcome(async () => verify(await signed(...hops), { now: now + 1 - 5 }))
        seen[code === 'accepted' ? 'accepted' : 'refused']++
        if (onlyLess) {
          seen.onlyLess++
          expect(code).toBe('accepted')
        }
        const wider = hops.slice(1).map((child, above) => widened(hops[above] as Statement, child))
        if (wider.some((reason) => reason !== undefined)) {
          expect(['not_narrower', 'expired', 'depth_invalid']).toContain(code)
        }
        if (code === 'accepted') {
          for (const [place, lower] of hops.entries()) {
            // Transitively as well, but for where it is used: on behalf of, what was onward becomes the audience.
            for (const upper of hops.slice(0, place)) {
              const plain = { ...lower, evidence: { kind: 'signed' as const }, aud: upper.aud.slice(0, 1) }
              expect(widened(upper, plain)).toBeUndefined()
            }
          }
        }
      }),
      { numRuns },
    )
    // The generator is worth something only when it makes all three often.
    expect(Math.min(seen.accepted, seen.refused, seen.onlyLess)).toBeGreaterThan(numRuns / 20)
  }, 300_000)

  test('`narrows` names a field whenever a child is wider in it, and none when it only gave less', () => {
    fc.assert(
      fc.property(start, fc.array(handOver, { minLength: 1, maxLength: 3 }), (first, steps) => {
        const { depth, scope, task, ...more } = first
        let parent = root({ ...more, ...task, scope: scope.join(' '), max_depth: depth })
        for (const step of steps) {
          const { child, onlyLess } = hand(parent, step)
          const field = narrows(parent, child)
          if (widened(parent, child) !== undefined) expect(field).toBeDefined()
          if (onlyLess) expect(field).toBeUndefined()
          parent = child
        }
      }),
      { numRuns: numRuns * 20 },
    )
  }, 300_000)
})
