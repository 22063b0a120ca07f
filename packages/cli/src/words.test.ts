import { expect, test } from 'vitest'
import { constraint, constraintText, milliseconds, permission, seconds, waiting, wholeNumber } from './words.ts'

const misused = expect.objectContaining({ code: 'usage', exit: 2 })

test('durations', () => {
  expect(seconds('90')).toBe(90)
  expect(seconds('15m')).toBe(900)
  expect(seconds('7d')).toBe(604_800)
  expect(milliseconds('2')).toBe(2_000)
  expect(milliseconds('250ms')).toBe(250)
  expect(milliseconds('2s')).toBe(2_000)
  for (const wrong of ['', '-1s', '1.5h', '2 s', '1y', 'soon']) expect(() => milliseconds(wrong)).toThrow(misused)
})

test('nobody waits longer than ten seconds', () => {
  expect(waiting('2')).toBe(2_000)
  expect(waiting('10s')).toBe(10_000)
  for (const wrong of ['11', '10001ms', '1m', 'soon']) expect(() => waiting(wrong)).toThrow(misused)
})

test('whole numbers', () => {
  expect(wholeNumber('12')).toBe(12)
  for (const wrong of ['', '1e3', '-1', '0x10', '1.0']) expect(() => wholeNumber(wrong)).toThrow(misused)
})

test('a permission is divided at its last =', () => {
  expect(permission('https://a.example/?x=1=repo:read pr:write:*')).toEqual([
    { resource: 'https://a.example/?x=1', scope: 'repo:read pr:write:*' },
  ])
  for (const wrong of ['https://a.example', '=x', 'x=']) expect(() => permission(wrong)).toThrow(misused)
})

test('every sign of a constraint, and back into words', () => {
  const written = ['amount<=50', 'amount>=1', 'branch^=feature/', 'region=eu,us', 'region!=us', 'count=3']
  const read = written.reduce<ReturnType<typeof constraint>>((before, text) => constraint(text, before), [])
  expect(read).toEqual([
    { key: 'amount', max: 50 },
    { key: 'amount', min: 1 },
    { key: 'branch', prefix: 'feature/' },
    { key: 'region', one_of: ['eu', 'us'] },
    { key: 'region', not_one_of: ['us'] },
    { key: 'count', one_of: [3] },
  ])
  expect(read.map(constraintText)).toEqual([
    'amount ≤ 50',
    'amount ≥ 1',
    'branch begins with feature/',
    'region is eu or us',
    'region is not us',
    'count is 3',
  ])
  for (const wrong of ['amount', '<=5', 'amount<=many', 'amount<5']) expect(() => constraint(wrong)).toThrow(misused)
})
