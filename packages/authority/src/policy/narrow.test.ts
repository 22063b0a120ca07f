import { coversAll } from '@credence/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import { granted, narrow } from './narrow.ts'

const word = fc.constantFrom('a:*', 'a:b', 'a:b:*', 'a:b:c', 'a:c', 'b:*', 'b:a', 'User.Read')
const ceiling = fc.uniqueArray(word, { maxLength: 5 })
const ceilings = fc.array(ceiling, { minLength: 1, maxLength: 5 })

describe('narrowing', () => {
  test('what comes out is within every ceiling, whatever they are', () => {
    fc.assert(
      fc.property(ceilings, (all) => {
        const out = granted(all)
        return all.every((one) => coversAll(one, out))
      }),
    )
  })

  test('a further ceiling never widens, and order does not matter', () => {
    fc.assert(
      fc.property(ceilings, ceiling, (all, more) => {
        const [before, after] = [granted(all), granted([...all, more])]
        expect(coversAll(before, after)).toBe(true)
        expect(new Set(granted([more, ...all.toReversed()]))).toEqual(new Set(after))
      }),
    )
  })

  test('nothing to draw on is nothing, never everything', () => {
    expect(granted([])).toEqual([])
    expect(granted([[], ['a:*']])).toEqual([])
  })

  test('asked for is given exactly, or refused whole', () => {
    const resource = { declared: ['a:b', 'a:c'], beyond: [] }
    const refusal = (work: () => unknown) => {
      try {
        return work()
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(narrow([['a:*'], ['a:b']], ['a:b'], resource)).toEqual(['a:b'])
    expect(refusal(() => narrow([['a:*'], ['a:b']], ['a:b', 'a:c'], resource))).toBe('scope_exceeds_grant')
    expect(refusal(() => narrow([['a:*'], ['a:b']], ['z'], resource))).toBe('scope_unknown')
    expect(refusal(() => narrow([['a:b'], []], undefined, resource))).toBe('scope_exceeds_grant')
    expect(narrow([['a:b', 'a:c']], undefined, resource)).toEqual(['a:b', 'a:c'])
    expect(narrow([['a:b']], undefined, { ...resource, beyond: ['f:r'] })).toEqual(['a:b', 'f:r'])
    expect(refusal(() => narrow([[]], undefined, { ...resource, beyond: ['f:r'] }))).toBe('scope_exceeds_grant')
  })
})

test('the baseline permits what narrowing left, and nothing when it left nothing', async () => {
  const question = {
    principal: 'psn_a',
    actors: ['spiffe://a/agent/b'],
    action: { kind: 'issue' as const, grant: 'client_credentials' },
    resource: { id: 'rsc_a', audience: 'https://a.example/' },
  }
  expect((await decide({ ...question, scope: ['a'] })).outcome).toBe('permit')
  expect((await decide({ ...question, scope: [] })).outcome).toBe('deny')
})
