// A15 of the attack list: nothing is read that is larger than it may be, and nothing is given out that is.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atVerifier, doors, prepare } from './doors.ts'
import { sampleOf } from './many.ts'
import { api, type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await prepare(stage)
})
afterAll(() => stage.stop())

const kilobyte = 1024
const texts: Record<string, (honest: string) => string> = {
  'one character over what anything may have': (honest) => honest.padEnd(16 * kilobyte + 1, 'A'),
  'a signature of a megabyte': (honest) => honest.padEnd(kilobyte * kilobyte, 'A'),
  'a header of a megabyte': (honest) => 'eyJh'.repeat(kilobyte * 256) + honest,
  'a million dots': () => '.'.repeat(1_000_000),
  'a million dots and what is honest': (honest) => honest + '.'.repeat(1_000_000),
}

describe.each(doors.map((door) => [door.name, door] as const))('%s', (_name, door) => {
  test.each(sampleOf(Object.entries(texts), 1))('%s', async (_what, text) => {
    const { compact } = await door.make(stage)
    const changes = await changesBy(stage.authority, async () => {
      const outcome = await door.offer(stage, text(compact)).catch((error: Error) => error)
      // An HTTP server stops reading such a header, and may close before all of it was sent.
      if (outcome instanceof Error)
        return expect([door.name, `${outcome.cause}`]).toEqual([
          door.name,
          expect.stringMatching(/EPIPE|ECONNRESET|other side closed/),
        ])
      expect(outcome).toMatchObject({ taken: false })
      if (door.takes === undefined || outcome.status !== 200)
        expect(outcome.code === 'inactive' || (outcome.status >= 400 && outcome.status < 500)).toBe(true)
    })
    expect(door.leaves).toEqual(expect.arrayContaining(Object.keys(changes)))
  })
})

test('whatever token is given out is one that every door reads; one that would be too large is refused', async () => {
  const { cast, ada, agent, operator, verifier } = stage
  const seen = new Set<string>()
  for (let size = 1_000; size < 12_000; size += 1_250) {
    const constraints = [
      { key: 'file', one_of: Array.from({ length: Math.floor(size / 20) }, (_, n) => `${n}`.padStart(17, 'x')) },
    ]
    const words = { delegate: agent.clientId, aud: [api], scope: 'a:read', constraints }
    const chain = await cast.delegate({ iss: ada.id, key: ada.key }, words)
    const changes = await changesBy(stage.authority, async () => {
      const { status, body } = await cast.exchange(agent, chain, api, {})
      seen.add(status === 200 ? 'given out' : body.error_code)
      if (status !== 200) return
      expect(await cast.introspect(operator, body.access_token)).toBe(true)
      // Bound to a key, so that it is read and then asked for its proof.
      expect(await atVerifier(stage, { authorization: `Bearer ${body.access_token}` })).toMatchObject({
        code: 'proof_missing',
      })
    })
    if (!changes['record token.exchanged']) expect(changes).toEqual({ 'used assertion': 1, 'record token.refused': 1 })
  }
  expect([...seen]).toEqual(['given out', 'too_large'])
  expect(verifier.state().ready).toBe(true)
})
