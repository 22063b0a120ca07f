import { expect, test } from 'vitest'
import { distance, jsonText, moment, outputTo, paintFor, printable } from './output.ts'

function printed(use: (output: ReturnType<typeof outputTo>) => void, json = false): string {
  const parts: string[] = []
  use(outputTo((more) => void parts.push(more), { json, colour: false }))
  return parts.join('')
}

test('control characters, line separators, bidirectional and invisible characters are shown as escapes', () => {
  expect(printable('a\u001b[2Jb')).toBe('a\\u001b[2Jb')
  expect(printable('one\ntwo\r\u0085\u2028')).toBe('one\\u000atwo\\u000d\\u0085\\u2028')
  expect(printable('abc\u202edcba\u2066x\u2069\u200b\ufeff')).toBe('abc\\u202edcba\\u2066x\\u2069\\u200b\\ufeff')
  expect(printable('\u{e0041}')).toBe('\\u{e0041}')
  expect(printable('\ud800')).toBe('\\ud800')
})

test('text that people write stays as it is', () => {
  expect(printable('Zoë, Ada & 李 (½ €) 🙂')).toBe('Zoë, Ada & 李 (½ €) 🙂')
})

test('a table aligns its columns and escapes what is in it', () => {
  const text = printed(({ table }) =>
    table(
      ['id', 'name'],
      [
        ['1', 'Ada'],
        ['10', 'B\u001b[31mob'],
        ['2', undefined],
      ],
    ),
  )
  expect(text).toBe('id  name\n1   Ada\n10  B\\u001b[31mob\n2\n')
})

test('an empty table says so', () => {
  expect(printed(({ table }) => table(['id'], []))).toBe('(none)\n')
})

test('fields leave out what there is not', () => {
  expect(printed(({ fields }) => fields({ a: 'x', long: ['y', 'z'], none: undefined, nil: null, o: { k: 1 } }))).toBe(
    'a     x\nlong  y, z\no     {"k":1}\n',
  )
})

test('JSON output is one value, whatever people would be shown', () => {
  const text = printed((output) => output.value({ a: '\u001b' }, () => output.line('for people')), true)
  expect(JSON.parse(text)).toEqual({ a: '\u001b' })
  expect(text).not.toContain('\u001b')
})

test('colours are for terminals that show them', () => {
  expect(paintFor(false).red('x')).toBe('x')
  expect(paintFor(true).red('x')).toBe('\u001b[31mx\u001b[0m')
})

test('moments and distances read well', () => {
  expect(moment(Date.UTC(2027, 0, 2, 3, 4, 5, 678))).toBe('2027-01-02 03:04:05Z')
  expect(moment(undefined)).toBe('')
  expect(distance(1_000, 990)).toBe('in 10 ms')
  expect(distance(0, 90_000)).toBe('90 s ago')
  expect(distance(3_600_000 * 5, 0)).toBe('in 5 h')
})

test('JSON escapes what would act on a terminal, and stays the same value', () => {
  const value = { name: 'a\u009b2J\u202e\u{e0041}\u2028', lines: ['one\ntwo'] }
  for (const text of [jsonText(value), jsonText(value, 2)]) {
    expect(text).not.toMatch(/[\u009b\u202e\u2028]|\u{e0041}/u)
    expect(JSON.parse(text)).toEqual(value)
  }
})
