// F23, F24: nodes rotate, are asked for new keys and revoke them, all at the same moments, again and again, on a clock that runs as fast
// as it can. Whoever holds a key set for as long as it may be held accepts everything that was honestly signed.

import { newId } from '@credence/protocol'
import { expect, test } from 'vitest'
import { Chance, newSeed } from '../../../../tests/faults/chance.ts'
import { postgresMissing } from '../../../../tests/postgres.ts'
import { type Node, nodes } from '../../test/key_nodes.ts'
import type { Organization } from '../services.ts'
import { activeKey, jwks, jwksMaxAgeSeconds, listSigningKeys, newSigningKey, revokeSigningKey } from './index.ts'
import { rotateOne } from './rotation.ts'

const isLong = Boolean(process.env.CREDENCE_LONG)
const most = { sqlite: isLong ? 12_000 : 400, postgres: isLong ? 3_000 : 150 }

/** Fetches the key set when what it has is as old as it may be, and never sooner. */
class Cached {
  kids: string[] = []
  #untilMs = Number.NEGATIVE_INFINITY

  async at(nowMs: number, node: Node, organization: Organization): Promise<readonly string[]> {
    if (nowMs > this.#untilMs) {
      this.kids = (await jwks(node, organization)).keys.map(({ kid }) => kid as string)
      this.#untilMs = nowMs + jwksMaxAgeSeconds(node) * 1_000
    }
    return this.kids
  }
}

test.for(['sqlite', 'postgres'] as const)('keys in a storm, on %s', { timeout: 600_000 }, async (driver, context) => {
  const missing = driver === 'postgres' ? postgresMissing() : undefined
  if (missing) context.skip(missing)
  const seed = newSeed()
  const chance = new Chance(seed)
  const config = { signingKeyLifetimeSeconds: 20, signingKeyLeadSeconds: 4 }
  const { all, organization } = await nodes(driver, 3, config)
  const caches = all.map(() => new Cached())
  const by = newId('adm')
  const moments = most[driver]
  let nowMs = 0
  const [signed, revoked] = [new Map<string, number>(), new Set<string>()]
  const startNode = all[0] as Node
  // Its successor signs at once, whether or not a cache knows it; whoever does not know it looks again.
  const successors = new Set<string>()

  for (let moment = 0; moment < moments; moment++) {
    nowMs += chance.between(0, 500)
    // Clocks of nodes differ a little.
    for (const node of all) node.setAheadMs(nowMs + chance.between(0, 200))
    const once = chance.next()
    await Promise.allSettled(
      all.flatMap((node): Array<Promise<unknown>> => {
        if (once < 0.03) return [newSigningKey(node, organization, by)]
        if (once < 0.035) return [revokeActive(node, organization, by, revoked)]
        return chance.next() < 0.5 ? [rotateOne(node, organization)] : []
      }),
    )
    const keys = await listSigningKeys(startNode, organization)
    const inState = (...states: string[]) => keys.filter(({ state }) => states.includes(state)).map(({ kid }) => kid)
    expect(inState('active'), `FAULT_SEED=${seed}, moment ${moment}`).toHaveLength(1)
    expect(inState('prepared', 'published').length, `FAULT_SEED=${seed}, moment ${moment}`).toBeLessThan(2)
    if (once >= 0.03 && once < 0.035) for (const kid of inState('active')) successors.add(kid)

    for (const [n, node] of all.entries()) {
      const { kid } = await activeKey(node, organization)
      const alive = { do: 'alive', lineage: [[kid, 0]], otherwise: 'key_unknown' } as const
      const { done } = await node.store.commit({ organization: organization.id, steps: [alive], audit: null })
      // Nothing leaves that is signed with a key that has ended.
      expect(done && revoked.has(kid), `FAULT_SEED=${seed}, moment ${moment}`).toBe(false)
      if (!done) continue
      signed.set(kid, nowMs)
      const known = await caches[(n + 1) % all.length]?.at(nowMs, chance.pick(all), organization)
      if (!successors.has(kid)) expect(known, `FAULT_SEED=${seed}, moment ${moment}`).toContain(kid)
      expect(keys.map((key) => key.kid)).toContain(kid)
    }
  }
  console.log(`FAULT_SEED=${seed}: ${signed.size} keys signed, ${revoked.size} were revoked`)
  expect(signed.size).toBeGreaterThan(moments / 150)
})

async function revokeActive(node: Node, organization: Organization, by: string, revoked: Set<string>): Promise<void> {
  const active = (await listSigningKeys(node, organization)).find(({ state }) => state === 'active')
  if (!active) throw new Error('there is no active key')
  await revokeSigningKey(node, organization, { kid: active.kid, cause: 'compromised', by })
  revoked.add(active.kid)
}
