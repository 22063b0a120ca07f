// F23, F24 through the public doors: two processes are asked for new keys and to end the one that signs, at the same moments, while both
// issue. One key signs; what is signed verifies by the key set that is shown; what a key signed that has ended is dead everywhere.

import { setTimeout as sleep } from 'node:timers/promises'
import { importPublicKey, type JsonObject, verifyAccessToken } from '@credence/protocol'
import { beforeEach, expect, test } from 'vitest'
import { claimsIn, seconds } from '../cast.ts'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { note, requestsIn } from './campaign.ts'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { deploy, tellLogs } from './deployment.ts'
import { observe } from './observe.ts'
import { isLong, longMs, setStage } from './rounds.ts'
import { audience, type Stage } from './stage.ts'

const rounds = isLong ? 250 : 3

beforeEach((context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
})

test('two processes change keys at the same moments', { timeout: 120_000 + rounds * 10_000 }, async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const settings = { CREDENCE_SIGNING_KEY_LEAD: '0' }
  const deployment = await deploy(await freshDatabase(), { processes: 2, settings })
  try {
    const stage = await setStage(deployment, chance)
    const acme = stage.organization
    const signedBy = new Map<string, number>()
    const began = performance.now()
    let round = 0
    for (; round < rounds && (round === 0 || performance.now() - began < longMs); round++) {
      const active = await activeKeys(stage)
      expect(active, `FAULT_SEED=${seed}`).toHaveLength(1)
      const path = round > 0 && chance.next() < 0.3 ? '/v1/signing-keys' : `/v1/signing-keys/${active[0]}/revoke`
      const changing = deployment.processes.map(async ({ url }) => {
        await sleep(chance.between(0, 20))
        const to = `${url}${new URL(acme.issuer).pathname}${path}`
        const headers = { authorization: `Bearer ${acme.administratorSecret}`, 'content-type': 'application/json' }
        const body = path === '/v1/signing-keys' ? {} : { body: '{}' }
        return (await fetch(to, { method: 'POST', headers, ...body })).status
      })
      const issuing = Array.from({ length: 12 }, async () => {
        await sleep(chance.between(0, 40))
        const answer = await stage.askToken(chance.pick(stage.steady))
        expect([200, 409], `FAULT_SEED=${seed}`).toContain(answer?.status)
        return answer?.result.token
      })
      const changed = await Promise.all(changing)
      // Of two who change the same, one does, and the other is told that it is done or under way.
      for (const status of changed) expect([200, 202, 409], `FAULT_SEED=${seed}`).toContain(status)
      if (path !== '/v1/signing-keys') expect(changed.filter((one) => one === 200)).toHaveLength(1)
      const tokens = (await Promise.all(issuing)).filter((token) => token !== undefined)
      const ended = new Set((await listKeys(stage)).filter(({ state }) => state === 'revoked').map(({ id }) => id))
      for (const { kid, compact } of tokens) {
        signedBy.set(kid, (signedBy.get(kid) ?? 0) + 1)
        const alive = (await introspect(stage, compact)).active
        if (ended.has(kid)) expect(alive, `FAULT_SEED=${seed}`).toBe(false)
        // Ended by nothing: it verifies by what either process shows.
        else {
          expect(alive, `FAULT_SEED=${seed}`).toBe(true)
          for (const { url } of deployment.processes) await expectVerifies(compact, { stage, url, seed })
        }
      }
    }
    expect(await activeKeys(stage)).toHaveLength(1)
    expect(signedBy.size).toBeGreaterThan(0)
    console.log(`FAULT_SEED=${seed}: ${round} rounds, ${signedBy.size} keys signed`)
    const onlyOfKeys = (says: string) => /sgk_/.test(says)
    const found = await check(stage.ledger.entries, await observe(stage))
    // The ends of keys were not asked for through the ledger.
    expect(found.filter(({ says }) => !onlyOfKeys(says) && !/which nobody asked for/.test(says))).toEqual([])
    note({ engine: 'PostgreSQL', rounds: round, requests: requestsIn(stage), seed })
    await stage.ledger.close()
  } catch (error) {
    tellLogs(deployment, seed)
    throw error
  } finally {
    await deployment.remove()
  }
})

async function listKeys({ organization }: Stage): Promise<Array<{ id: string; state: string }>> {
  return (await organization.api('get', '/v1/signing-keys')).body.items
}

async function activeKeys(stage: Stage): Promise<string[]> {
  return (await listKeys(stage)).filter(({ state }) => state === 'active').map(({ id }) => id)
}

async function introspect(stage: Stage, compact: string): Promise<{ active: boolean }> {
  const form = await stage.tokenForm(stage.operator, compact)
  return (await stage.send({ path: '/introspect', form })).body
}

/** By the key set that this process shows now; a process may go on showing what it read two seconds ago. */
async function expectVerifies(compact: string, at: { stage: Stage; url: string; seed: number }): Promise<void> {
  const { issuer } = at.stage.organization
  const kid = JSON.parse(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString()).kid
  const shown = async () => {
    const response = await fetch(`${at.url}${new URL(issuer).pathname}/jwks`)
    return ((await response.json()) as { keys: JsonObject[] }).keys.find((jwk) => jwk.kid === kid)
  }
  await expect.poll(shown, { message: `FAULT_SEED=${at.seed}: nobody shows ${kid}` }).toBeDefined()
  const key = await importPublicKey((await shown()) as JsonObject, kid)
  const checks = { audience, now: seconds(), issuers: (one: string) => one === issuer, keys: async () => key }
  const { claims } = await verifyAccessToken(compact, checks)
  expect(claims.jti).toBe(claimsIn(compact).jti)
}
