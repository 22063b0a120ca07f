// F25: the key that wraps signing keys is wrong, garbage or gone. Nothing is issued, verifying goes on, and no other key is made in its place.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { newWrappingKey } from '@credence/authority'
import { expect, test } from 'vitest'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { Chance, newSeed } from './chance.ts'
import { deploy } from './deployment.ts'
import { isLong, setStage } from './rounds.ts'
import type { Stage } from './stage.ts'

const timeout = 120_000
const wrapping = 'CREDENCE_WRAPPING_KEYS'

test('a start without the key that wraps is none, and changes nothing', { timeout }, async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  console.log(`FAULT_SEED=${seed}`)
  const right = newWrappingKey('k1')
  const deployment = await deploy('sqlite', { settings: { [wrapping]: right } })
  const [process] = deployment.processes
  if (!process) throw new Error('nothing runs')
  try {
    const stage = await setStage(deployment, chance)
    const token = await tokenOf(stage)
    const before = await keysOf(stage)
    const without: Array<[given: string | undefined, code: string]> = [
      [newWrappingKey('k1'), 'wrapping_key_wrong'],
      [newWrappingKey('k2'), 'wrapping_key_missing'],
      [`${newWrappingKey('k2')},${newWrappingKey('k1')}`, 'wrapping_key_wrong'],
      [undefined, 'config_missing'],
      ['', 'config_'],
      ['k1:AAAA', 'config_invalid'],
      ['garbage', 'config_invalid'],
    ]
    for (const [given, code] of isLong ? without : chance.some(without, 3)) {
      await process.kill()
      await expect(process.start([], { [wrapping]: given }), code).rejects.toThrow(code)
      for (const secret of given?.match(/[^,:]{7,}/g) ?? []) expect(process.log).not.toContain(secret)
    }
    await process.start()
    expect(await keysOf(stage)).toEqual(before)
    expect(await introspect(stage, token)).toBe(true)
    // What it wraps was spoilt.
    await process.kill()
    const database = new DatabaseSync(join(deployment.directory, 'credence.db'))
    const { sealed } = database.prepare('select sealed from signing_keys').get() as { sealed: string }
    const flipped = sealed.replace(/.(?=...$)/, (one) => (one === 'A' ? 'B' : 'A'))
    const all = [flipped, 'v1.k1.AAAA.AAAA', 'garbage', '']
    for (const spoilt of isLong ? all : chance.some(all, 2)) {
      database.prepare('update signing_keys set sealed = ?').run(spoilt)
      await expect(process.start(), spoilt).rejects.toThrow('did not start')
    }
    database.prepare('update signing_keys set sealed = ?').run(sealed)
    database.close()
    await process.start()
    expect(await keysOf(stage)).toEqual(before)
    expect(await introspect(stage, token)).toBe(true)
  } finally {
    await deployment.remove()
  }
})

test('a process without the key that wraps the new one issues nothing, and verifies', { timeout }, async (context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  const [old, next] = [newWrappingKey('k1'), newWrappingKey('k2')]
  const deployment = await deploy(await freshDatabase(), { processes: 2, settings: { [wrapping]: old } })
  const [left, right] = deployment.processes
  if (!left || !right) throw new Error('two should run')
  try {
    let at = left.url
    const stage = await setStage(deployment, new Chance(newSeed()), () => at)
    await right.kill()
    await right.start([], { [wrapping]: `${next},${old}` })
    const [first] = await keysOf(stage)
    at = right.url
    await stage.send({ path: `/v1/signing-keys/${first?.id}/revoke`, json: {} })
    const token = await tokenOf(stage)
    at = left.url
    const refusals = () => stage.askToken(stage.steady[0] as Stage['steady'][number])
    await expect.poll(async () => (await refusals())?.code).toBe('signing_key_unavailable')
    expect((await refusals())?.status).toBe(503)
    expect(await introspect(stage, token)).toBe(true)
    const { status } = await stage.send({ path: '/v1/revocations', json: { id: 'task:any', cause: 'test' } })
    expect(status).toBe(200)
    expect((await keysOf(stage)).map(({ state }) => state).sort()).toEqual(['active', 'revoked'])
    at = right.url
    await tokenOf(stage)
    await left.kill()
    await left.start([], { [wrapping]: `${old},${next}` })
    at = left.url
    await tokenOf(stage)
    expect(await keysOf(stage)).toHaveLength(2)
  } finally {
    await deployment.remove()
  }
})

async function tokenOf(stage: Stage): Promise<string> {
  const answer = await stage.askToken(stage.steady[0] as Stage['steady'][number])
  expect(answer?.status).toBe(200)
  return answer?.result.token?.compact ?? ''
}

async function keysOf(stage: Stage): Promise<Array<{ id: string; state: string }>> {
  return (await stage.send({ method: 'GET', path: '/v1/signing-keys' })).body.items
}

async function introspect(stage: Stage, token: string): Promise<boolean> {
  const form = await stage.tokenForm(stage.operator, token)
  return (await stage.send({ path: '/introspect', form })).body.active
}
