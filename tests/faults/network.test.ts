// I3 under F12, F13, F14 and F20: whatever the network does, no verifier accepts a call later than P2 allows, nobody is told that
// all know while one does not, and every verifier finds back by itself.

import { expect, test } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { deploy, tellLogs } from './deployment.ts'
import type { Judged } from './ledger.ts'
import { Scene, troubles } from './network.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'
import { setTerms, type Terms, VerifierProcess } from './verifiers.ts'

const campaigns = isLong ? 6 : 1
/** Each verifier meets every trouble, at either length. */
const rounds = isLong ? 2 * troubles.length : 4
const timeout = campaigns * rounds * 60_000
const stalenessMs = 1_500

test('the network between an authority and its verifiers fails in every way', { timeout }, async () => {
  for (let n = 0; n < campaigns; n++) await runCampaign(n % 2 === 0 ? 'harmless_reads' : 'introspect')
})

async function runCampaign(whenStale: Terms['whenStale']): Promise<void> {
  const seed = newSeed()
  const chance = new Chance(seed)
  const deployment = await deploy('sqlite', { settings: { CREDENCE_HEARTBEAT: '250' } })
  const verifiers: VerifierProcess[] = []
  try {
    const stage = await setStage(deployment, chance)
    const terms = { stalenessMs, whenStale, harmlessScopes: ['repo:read'] }
    await setTerms(stage, terms)
    for (const own of [undefined, 'refuse', 'introspect'] as const) {
      const name = `as granted, ${own ?? 'nothing'} of its own`
      const how = own ? { whenStale: own } : ({ unreachable: true } as const)
      verifiers.push(await VerifierProcess.start(stage, deployment.origin, { name, terms, ...how }))
    }
    const scene = new Scene(stage, chance, verifiers)
    // F20: one that has never reached the authority lets nothing pass.
    await scene.issue(2)
    const [unreached] = verifiers
    const { going } = (await unreached?.until(({ going }) => going.length > 0, 'was never called')) ?? { going: [] }
    expect(new Set(going.map(({ verdict }) => verdict))).toEqual(new Set(['not_ready']))
    unreached?.proxy.heal()
    for (let round = 0; round < rounds; round++) {
      await scene.issue(6)
      await scene.settled()
      // While all is well, all know.
      if (round === 0) await scene.end(10_000)
      const isShort = Math.floor(round / 2) % 2 === 1
      for (const [place, { proxy }] of verifiers.entries())
        troubles[(round + 2 * place) % troubles.length]?.begin(proxy)
      await scene.endFor(stalenessMs * (isShort ? chance.between(0.1, 0.9) : chance.between(1.2, 2.4)))
      for (const { proxy } of verifiers) proxy.heal()
      await scene.settled()
    }
    const now = await observe(stage)
    expect(await check(stage.ledger.entries, now), `FAULT_SEED=${seed}`).toEqual([])
    const judged = stage.ledger.entries.filter((entry) => entry.says === 'judged')
    console.log(`FAULT_SEED=${seed}: ${rounds} rounds, ${summaryOf(judged)}`)
    const saying = (verdict: string) =>
      new Set(judged.filter((one) => one.verdict === verdict).map(({ verifier }) => verifier)).size
    expect([saying('permitted'), saying('revoked')]).toEqual([3, 3])
    expect(saying('lease_over')).toBeGreaterThan(0)
    const knew = stage.ledger.entries.filter((entry) => entry.says === 'answered' && entry.result.allKnow)
    expect(knew.length).toBeGreaterThan(0)
  } catch (error) {
    tellLogs(deployment, seed)
    throw error
  } finally {
    await Promise.all(verifiers.map((verifier) => verifier.stop()))
    await deployment.remove()
  }
}

function summaryOf(judged: readonly Judged[]): string {
  const counts = new Map<string, number>()
  for (const { verdict, times } of judged) counts.set(verdict, (counts.get(verdict) ?? 0) + times)
  return [...counts].map(([verdict, times]) => `${times} ${verdict}`).join(', ')
}
