// A23 and A72 of the attack list: everything that is signed or secret, offered at every place that takes such a thing. Each place takes what it
// is for, so that none is closed to all; whatever else is refused by its code, and nothing comes of it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inBatches, sampleOf } from './many.ts'
import { places } from './places/all.ts'
import type { Place } from './places/place.ts'
import { type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'
import { kept, type Thing, things } from './things.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  for (const { name, once } of things) if (!once) await kept(stage, name)
})
afterAll(() => stage.stop())

const show = ({ name, make, once }: Thing, { consumes }: Place) => (once || consumes ? make(stage) : kept(stage, name))

/** As its first part says, without believing it. */
function formOf(text: string): string {
  if (text.includes('~')) return 'chain'
  try {
    return JSON.parse(Buffer.from(text.split('.')[0] as string, 'base64url').toString()).typ ?? 'word'
  } catch {
    return 'word'
  }
}

test('there is a place for each thing that is not forged, and each place names things that there are', () => {
  const named = new Set(places.flatMap(({ takes }) => takes))
  expect(things.filter(({ forged }) => !forged).map(({ name }) => name)).toEqual(expect.arrayContaining([...named]))
  for (const { name, forged } of things) expect([name, named.has(name)]).toEqual([name, !forged])
})

describe.each(places.map((place) => [place.name, place] as const))('%s', (_name, place) => {
  const right = things.filter(({ name }) => place.takes.includes(name))
  const others = things.filter(({ name }) => !place.takes.includes(name))
  const wrong = place.alike ? sampleOf(others, 10) : others

  test(`takes what it is for: ${right.length}`, async () => {
    const taken = []
    for (const thing of right) {
      const outcome = await place.offer(stage, await show(thing, place))
      taken.push({ name: thing.name, taken: outcome.taken, code: outcome.taken ? undefined : outcome.code })
    }
    expect(taken).toEqual(right.map(({ name }) => ({ name, taken: true, code: undefined })))
  })

  test(`refuses everything else: ${wrong.length}`, { timeout: 120_000 }, async () => {
    const texts = new Map<Thing, string>()
    for (const thing of wrong) texts.set(thing, await show(thing, place))
    const changes = await changesBy(stage.authority, async () => {
      const otherwise = await inBatches(wrong, async (thing) => {
        const text = texts.get(thing) as string
        const { taken, status, code, text: answered } = await place.offer(stage, text)
        const said = place.says(formOf(text), thing.name, text)
        const refused = place.silent ? status === 200 : status >= 400 && status < 500
        const right = !taken && refused && code === said && !answered.includes(text) && !/eyJ|credence_/.test(answered)
        return right ? [] : [{ thing: thing.name, said, taken, status, code, answered }]
      })
      expect(otherwise).toEqual([])
    })
    expect(Object.keys(changes).sort()).toEqual([...place.leaves].sort())
  })
})
