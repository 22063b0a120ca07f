// A01 to A21 and A23 of the attack list: every forgery of a signed object, at every door that takes one.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Door, doors, prepare } from './doors.ts'
import { flawsOf, forgeries } from './forgeries/all.ts'
import { attackers } from './forgeries/headers.ts'
import { inBatches, sampleOf } from './many.ts'
import { type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'

let stage: Stage
let visits = 0
/** What the headers of forgeries point to. */
const trap = createServer((_request, response) => {
  visits++
  response.end('{"keys":[]}')
})

beforeAll(async () => {
  stage = await setStage()
  await prepare(stage)
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
  attackers.keys = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`
})
afterAll(async () => {
  trap.close()
  await stage.stop()
})

/** Each kind of thing meets all of it at one door; at the others it is the same reader, and a part of it must do. */
const whole = new Set(
  ['access token', 'assertion', 'proof', 'statement'].map((kind) => doors.find((door) => door.kind === kind)),
)
const against = (door: Door) => {
  const wrong = forgeries.filter((forgery) => flawsOf(forgery, door.kind) !== undefined)
  return whole.has(door) ? wrong : sampleOf(wrong, 12)
}

describe.each(doors.map((door) => [door.name, door] as const))('%s', (_name, door) => {
  test('takes what is honest', async () => {
    const { compact } = await door.make(stage)
    let taken = false
    const changes = await changesBy(stage.authority, async () => {
      taken = (await door.offer(stage, compact)).taken
    })
    expect(taken || (door.takes !== undefined && changes[door.takes] === 1)).toBe(true)
  })

  test('refuses every forgery by its name, repeats nothing of it, and nothing comes of it', {
    timeout: 120_000,
  }, async () => {
    const honest = await door.make(stage)
    const changes = await changesBy(stage.authority, async () => {
      const wrong = await inBatches(against(door), async (forgery) => {
        const forged = await forgery.forge(honest)
        const { taken, status, code, text } = await door.offer(stage, forged)
        const said = flawsOf(forgery, door.kind)?.map((flaw) => door.says(flaw, forged)) ?? []
        const right = !taken && status < 500 && said.includes(code ?? '') && !/eyJ|credence_/.test(text)
        return right ? [] : [{ forgery: forgery.name, said, taken, status, code, text }]
      })
      expect(wrong).toEqual([])
    })
    expect(Object.keys(changes).sort()).toEqual([...door.leaves].sort())
  })
})

test('A06: nobody went where a header pointed', () => {
  expect(visits).toBe(0)
})
