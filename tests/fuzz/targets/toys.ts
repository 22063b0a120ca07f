// Parsers with planted mistakes: what the fuzzer must find, so that its silence about the others means something.

import { type Target, textOf } from '../target.ts'
import { backtracking, hanging, nested, word } from '../toys.ts'

const toys = { nested, word, backtracking, hanging }

export const targets: readonly Target[] = Object.entries(toys).map(([name, parse]) => ({
  name,
  form: 'bytes',
  seeds: ['a harmless beginning'],
  sources: [],
  words: [],
  maxBytes: 64,
  check: (input) => parse(textOf(input)),
}))
