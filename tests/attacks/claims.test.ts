// A22, A24, A25, A31, A33, A36 and A38 of the attack list: what is rightly signed and says what it must not, at every door that takes it.

import type { RefusalCode } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Door, doors, prepare } from './doors.ts'
import { changed, nameOf } from './forgeries/changing.ts'
import { claimsOf } from './forgeries/claims.ts'
import type { Forgery } from './forgeries/forging.ts'
import { wrongHashes } from './forgeries/proof_claims.ts'
import { wrongAudiences } from './forgeries/token_claims.ts'
import { inBatches, sampleOf } from './many.ts'
import { type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await prepare(stage)
})
afterAll(() => stage.stop())

/** What only some doors ask for: an audience where tokens are used, and the token of a proof where one comes along. */
function ofThisDoor({ name, kind }: Door): Forgery[] {
  const as = (changes: typeof wrongHashes, flaw: RefusalCode) =>
    changes.map((change): Forgery => ({ name: nameOf(change), flaws: [flaw], forge: changed(change) }))
  if (kind === 'proof' && name !== 'the proof of a token request') return as(wrongHashes, 'proof_token_mismatch')
  const anyAudience = ['revocation by a client', 'an exchange, as actor token'].includes(name)
  return kind === 'access token' && !anyAudience ? as(wrongAudiences, 'audience_mismatch') : []
}

const first = new Map(doors.map((door) => [door.kind, door] as const).reverse())

describe.each(doors.map((door) => [door.name, door] as const))('%s', (_name, door) => {
  test('refuses all of it by its name, and nothing comes of it', { timeout: 120_000 }, async () => {
    const all = claimsOf(door.kind)
    const against = [...(first.get(door.kind) === door ? all : sampleOf(all, 12)), ...ofThisDoor(door)]
    const honest = await door.make(stage)
    const changes = await changesBy(stage.authority, async () => {
      const wrong = await inBatches(against, async ({ name, flaws, forge }) => {
        const forged = await forge(honest)
        const { taken, status, code, text } = await door.offer(stage, forged)
        const said = flaws.map((flaw) => door.says(flaw, forged))
        const right = !taken && status < 500 && said.includes(code ?? '') && !/eyJ|credence_/.test(text)
        return right ? [] : [{ name, said, taken, status, code, text }]
      })
      expect(wrong).toEqual([])
    })
    expect(Object.keys(changes).sort()).toEqual([...door.leaves].sort())
    // And what was changed was honest before.
    const again = await door.make(stage)
    if (door.takes === undefined) expect(await door.offer(stage, again.compact)).toMatchObject({ taken: true })
  })
})
