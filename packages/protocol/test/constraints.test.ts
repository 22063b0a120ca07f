import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../src/canonical.ts'
import {
  type Constraint,
  checkConstraints,
  isCumulative,
  parseConstraints,
  refuseCumulative,
  subsumes,
} from '../src/constraints.ts'
import type { JsonObject, JsonValue } from '../src/json.ts'
import { outcome } from './outcome.ts'

const scalars = [null, true, false, 0, 1, 2, 3, '', 'a', 'ab', 'b', '1', 'low', 'high'] as const
const scalar = fc.constantFrom<(typeof scalars)[number]>(...scalars)
const small = fc.integer({ min: 0, max: 3 })
const orders = [
  ['low', 'high'],
  ['high', 'low'],
  ['low', 'a', 'high'],
] as const
const some = fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 })

const shapes: ReadonlyArray<fc.Arbitrary<JsonObject>> = [
  small.map((max) => ({ max })),
  small.map((min) => ({ min })),
  some.map((one_of) => ({ one_of })),
  some.map((not_one_of) => ({ not_one_of })),
  fc.constantFrom('', 'a', 'ab', 'b').map((prefix) => ({ prefix })),
  fc.constantFrom(...orders).chain((order) => fc.constantFrom(...order).map((rank) => ({ rank, order }))),
  small.map((max_lifetime) => ({ max_lifetime })),
  small.map((max_subtree) => ({ max_subtree })),
  small.map((units) => ({ units })),
  small.map((of) => ({ constructor: of })),
]
const constraint = fc
  .tuple(fc.constantFrom('x', 'y'), fc.oneof(...shapes))
  .map(([key, shape]) => ({ key, ...shape }) as Constraint)
const constraints = fc.uniqueArray(constraint, {
  maxLength: 4,
  selector: (one) =>
    Object.keys(one)
      .filter((member) => member !== 'order')
      .join() + one.key,
})

function admits(list: readonly Constraint[], args: JsonObject): boolean {
  try {
    checkConstraints(list, args)
    return true
  } catch {
    return false
  }
}

function canonical(list: readonly Constraint[]): string[] {
  return list
    .map((one) => {
      const sorted = Object.entries(one).map(([member, value]) => {
        const set = member === 'one_of' || member === 'not_one_of'
        return [member, set ? [...(value as JsonValue[])].map(canonicalize).sort() : value] as const
      })
      return canonicalize(Object.fromEntries(sorted))
    })
    .sort()
}

describe('form', () => {
  test.each<[JsonValue, string]>([
    [{}, 'no array'],
    [[1], 'no object'],
    [[{ max: 1 }], 'no key'],
    [[{ key: '', max: 1 }], 'an empty key'],
    [[{ key: 1, max: 1 }], 'a key that is no text'],
    [[{ key: 'x' }], 'no type'],
    [[{ key: 'x', max: 1, min: 0 }], 'two types'],
    [[{ key: 'x', max: 1, note: 'soft' }], 'a member that is not defined'],
    [[{ key: 'x', unheard: 1, of: 2 }], 'two unknown types'],
    [[{ key: 'x', max: '1' }], 'a maximum that is no number'],
    [[{ key: 'x', max: true }], 'a maximum that is a boolean'],
    [[{ key: 'x', max: 2 ** 53 }], 'a maximum that several integers share'],
    [[{ key: 'x', max: Number.NaN }], 'not a number'],
    [[{ key: 'x', one_of: 'ab' }], 'a list that is text'],
    [[{ key: 'x', one_of: [] }], 'a list of nothing'],
    [[{ key: 'x', one_of: [['a']] }], 'a list of lists'],
    [[{ key: 'x', one_of: ['a', 'a'] }], 'a list that repeats'],
    [[{ key: 'x', prefix: 1 }], 'a prefix that is no text'],
    [[{ key: 'x', rank: 'a' }], 'a rank without its order'],
    [[{ key: 'x', rank: 'c', order: ['a', 'b'] }], 'a rank outside its order'],
    [[{ key: 'x', rank: 'a', order: ['a', 'a'] }], 'an order that repeats'],
    [[{ key: 'x', rank: 'a', order: ['a'] }], 'an order of one'],
    [
      [
        { key: 'x', max: 1 },
        { key: 'x', max: 2 },
      ],
      'one key and type twice',
    ],
    [
      [
        { key: 'x', units: 1 },
        { key: 'x', units: 2 },
      ],
      'one key and unknown type twice',
    ],
    [Array.from({ length: 65 }, (_, place) => ({ key: `x${place}`, max: 1 })), 'more than 64'],
  ])('%j is malformed: %s', async (value) => expect(await outcome(() => parseConstraints(value))).toBe('malformed'))

  test('one key may have several types, and a type that is not known is kept', () => {
    const list = [
      { key: 'x', max: 3 },
      { key: 'x', min: 1 },
      { key: 'x', units: { any: ['thing'] } },
    ]
    expect(parseConstraints(list)).toEqual(list)
  })
})

describe('a call', () => {
  test.each<[Constraint, JsonObject, string]>([
    [{ key: 'n', max: 5 }, { n: 5 }, 'accepted'],
    [{ key: 'n', max: 5 }, { n: 5.1 }, 'ceiling_exceeded'],
    [{ key: 'n', max: 5 }, { n: '5' }, 'ceiling_exceeded'],
    [{ key: 'n', max: 5 }, { n: [1] }, 'ceiling_exceeded'],
    [{ key: 'n', max: 5 }, { n: true }, 'ceiling_exceeded'],
    [{ key: 'n', max: 5 }, { n: null }, 'ceiling_exceeded'],
    [{ key: 'n', max: 5 }, {}, 'ceiling_exceeded'],
    [{ key: 'n', min: 5 }, { n: 5 }, 'accepted'],
    [{ key: 'n', min: 5 }, { n: 4 }, 'ceiling_exceeded'],
    [{ key: 'n', one_of: [1, 'a'] }, { n: 1 }, 'accepted'],
    [{ key: 'n', one_of: [1, 'a'] }, { n: '1' }, 'ceiling_exceeded'],
    [{ key: 'n', one_of: [1, 'a'] }, { n: true }, 'ceiling_exceeded'],
    [{ key: 'n', one_of: [1, 'a'] }, { n: ['a'] }, 'ceiling_exceeded'],
    [{ key: 'n', not_one_of: ['rm'] }, { n: 'ls' }, 'accepted'],
    [{ key: 'n', not_one_of: ['rm'] }, { n: 'rm' }, 'ceiling_exceeded'],
    [{ key: 'n', not_one_of: ['rm'] }, { n: ['rm'] }, 'ceiling_exceeded'],
    [{ key: 'n', not_one_of: ['rm'] }, {}, 'ceiling_exceeded'],
    [{ key: 'n', prefix: '/tmp/' }, { n: '/tmp/x' }, 'accepted'],
    [{ key: 'n', prefix: '/tmp/' }, { n: '/etc' }, 'ceiling_exceeded'],
    [{ key: 'n', prefix: '/tmp/' }, { n: ['/tmp/x'] }, 'ceiling_exceeded'],
    [{ key: 'n', rank: 'b', order: ['a', 'b', 'c'] }, { n: 'a' }, 'accepted'],
    [{ key: 'n', rank: 'b', order: ['a', 'b', 'c'] }, { n: 'c' }, 'ceiling_exceeded'],
    [{ key: 'n', rank: 'b', order: ['a', 'b', 'c'] }, { n: 'z' }, 'ceiling_exceeded'],
    [{ key: 'n', max_lifetime: 5 }, { n: 0 }, 'ceiling_exceeded'],
    [{ key: 'n', max_subtree: 5 }, { n: 0 }, 'ceiling_exceeded'],
    [{ key: 'n', units: 5 }, { n: 0 }, 'unknown_constraint'],
    [{ key: 'n', toString: 5 } as unknown as Constraint, { n: 0 }, 'unknown_constraint'],
    [{ key: 'toString', max: 5 }, {}, 'ceiling_exceeded'],
  ])('under %j with %j: %s', async (one, args, expected) =>
    expect(await outcome(() => checkConstraints([one], args))).toBe(expected),
  )

  test('an unknown constraint is named before one that is exceeded, wherever it stands', async () => {
    const list = [
      { key: 'n', max: 1 },
      { key: 'n', units: 1 },
    ] as Constraint[]
    expect(await outcome(() => checkConstraints(list, { n: 2 }))).toBe('unknown_constraint')
  })

  test('of nothing but arguments is refused by no constraint', () => checkConstraints([], { any: 'thing' }))
})

describe('subsumption', () => {
  test('what a child admits, its parent admits', () => {
    const args = fc.record({ x: scalar, y: scalar }, { requiredKeys: [] })
    fc.assert(
      fc.property(constraints, constraints, fc.array(args, { maxLength: 8 }), (parent, child, calls) => {
        // Of the child, half inherits the parent's, so that many pairs are ordered.
        const merged = [...child, ...parent.filter((one) => !child.some((other) => subsumes([other], [one])))]
        for (const below of [child, merged]) {
          if (!isWellFormed(below) || !subsumes(parent, below)) continue
          for (const call of calls) if (admits(below, call)) expect(admits(parent, call)).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('is a partial order up to canonical form', () => {
    fc.assert(
      fc.property(constraints, constraints, constraints, (a, b, c) => {
        expect(subsumes(a, a)).toBe(true)
        if (subsumes(a, b) && subsumes(b, a)) expect(canonical(a)).toEqual(canonical(b))
        if (subsumes(a, b) && subsumes(b, c)) expect(subsumes(a, c)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  test('of single constraints on one key is a partial order, where pairs are ordered often', () => {
    for (const shape of shapes) {
      const one = shape.map((members) => [{ key: 'x', ...members } as Constraint])
      fc.assert(
        fc.property(one, one, one, (a, b, c) => {
          expect(subsumes(a, a)).toBe(true)
          if (subsumes(a, b) && subsumes(b, a)) expect(canonical(a)).toEqual(canonical(b))
          if (subsumes(a, b) && subsumes(b, c)) expect(subsumes(a, c)).toBe(true)
          for (const value of scalars) {
            if (subsumes(a, b) && admits(b, { x: value })) expect(admits(a, { x: value })).toBe(true)
          }
        }),
        { numRuns: 500 },
      )
    }
  })

  test.each<[Constraint[], Constraint[], boolean]>([
    [[], [{ key: 'x', max: 1 }], true],
    [[{ key: 'x', max: 1 }], [], false],
    [
      [{ key: 'x', max: 5 }],
      [
        { key: 'x', max: 5 },
        { key: 'x', min: 1 },
      ],
      true,
    ],
    [[{ key: 'x', max: 5 }], [{ key: 'x', max: 6 }], false],
    [[{ key: 'x', max: 5 }], [{ key: 'y', max: 1 }], false],
    [[{ key: 'x', max: 5 }], [{ key: 'x', max_lifetime: 1 }], false],
    [[{ key: 'x', min: 5 }], [{ key: 'x', min: 6 }], true],
    [[{ key: 'x', one_of: ['a', 'b'] }], [{ key: 'x', one_of: ['b'] }], true],
    [[{ key: 'x', one_of: ['a'] }], [{ key: 'x', one_of: ['a', 'b'] }], false],
    [[{ key: 'x', one_of: [1] }], [{ key: 'x', one_of: ['1'] }], false],
    [[{ key: 'x', not_one_of: ['a'] }], [{ key: 'x', not_one_of: ['b', 'a'] }], true],
    [[{ key: 'x', not_one_of: ['a', 'b'] }], [{ key: 'x', not_one_of: ['a'] }], false],
    [[{ key: 'x', prefix: '/a' }], [{ key: 'x', prefix: '/a/b' }], true],
    [[{ key: 'x', prefix: '/a/b' }], [{ key: 'x', prefix: '/a' }], false],
    [[{ key: 'x', rank: 'b', order: ['a', 'b'] }], [{ key: 'x', rank: 'a', order: ['a', 'b'] }], true],
    [[{ key: 'x', rank: 'b', order: ['a', 'b'] }], [{ key: 'x', rank: 'a', order: ['a', 'c'] }], false],
    [[{ key: 'x', units: { a: 1, b: 2 } }], [{ key: 'x', units: { b: 2, a: 1 } }], true],
    [[{ key: 'x', units: 5 }], [{ key: 'x', units: 4 }], false],
  ])('%j over %j: %s', (parent, child, expected) => expect(subsumes(parent, child)).toBe(expected))
})

test('whoever issues refuses sums that nobody keeps', async () => {
  expect(
    await outcome(() =>
      refuseCumulative([
        { key: 'x', max: 1 },
        { key: 'x', units: 1 },
      ]),
    ),
  ).toBe('accepted')
  expect(await outcome(() => refuseCumulative([{ key: 'x', max_lifetime: 1 }]))).toBe('cumulative_unsupported')
  expect(await outcome(() => refuseCumulative([{ key: 'x', max_subtree: 1 }]))).toBe('cumulative_unsupported')
  expect([isCumulative({ key: 'x', max_subtree: 1 }), isCumulative({ key: 'x', max: 1 })]).toEqual([true, false])
})

function isWellFormed(list: readonly Constraint[]): boolean {
  try {
    parseConstraints(list)
    return true
  } catch {
    return false
  }
}
