// How one thing is made wrong in a history in which nothing is.

import type { LeafType } from '@credence/protocol'
import { expect } from 'vitest'
import type { Rule } from './check.ts'
import { type History, seal } from './healthy.ts'
import type { Wish } from './ledger.ts'

/** What goes wrong, which rule says so, with which words, and how it is planted. */
export type Planted = readonly [
  what: string,
  rule: Rule,
  says: RegExp,
  plant: (history: History) => void | Promise<void>,
]

export const asked = (history: History, wanted: (wish: Wish) => boolean) => {
  const entry = history.entries.find((one) => one.says === 'asked' && wanted(one.wish))
  if (entry?.says !== 'asked') throw new Error('no such request')
  return entry
}
export const answerTo = (history: History, wanted: (wish: Wish) => boolean) => {
  const { n } = asked(history, wanted)
  const entry = history.entries.find((one) => one.says === 'answered' && one.n === n)
  if (entry?.says !== 'answered') throw new Error('no answer')
  return entry
}
export const drop = (
  { now }: History,
  wanted: (leaf: { type: LeafType; token?: string; subject?: string }) => boolean,
) => {
  const at = now.log.records.findIndex(({ leaf }) => wanted(leaf))
  expect(at).not.toBe(-1)
  now.log.records.splice(at, 1)
  return seal(now)
}
export const dropFact = ({ now }: History, id: string) => {
  const at = now.feed.facts.findIndex((fact) => fact.id === id)
  expect(at).not.toBe(-1)
  now.feed.facts.splice(at, 1)
}
export const tokenIn = (history: History, jti: string) => {
  const { result } = answerTo(history, (wish) => wish.proof === `p ${jti}`)
  if (!result.token) throw new Error('no token')
  return result.token
}
