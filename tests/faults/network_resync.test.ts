// F16: a verifier that was away for longer than one page of news. It refuses until it has read all of it, and then knows all of it.

import { newId } from '@credence/protocol'
import { expect, test } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { deploy } from './deployment.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'
import { setTerms, VerifierProcess } from './verifiers.ts'

const missed = isLong ? 20_000 : 700
const terms = { stalenessMs: 1_000, whenStale: 'refuse', harmlessScopes: [] } as const

test(`${missed} ends are missed`, { timeout: isLong ? 600_000 : 120_000 }, async () => {
  const deployment = await deploy('sqlite', { settings: { CREDENCE_HEARTBEAT: '250' } })
  let verifier: VerifierProcess | undefined
  try {
    const stage = await setStage(deployment, new Chance(newSeed()))
    await setTerms(stage, terms)
    verifier = await VerifierProcess.start(stage, deployment.origin, { name: 'away', terms })
    const away = verifier
    const [agent] = stage.steady
    if (!agent) throw new Error('nobody is on the stage')
    const issue = async () => (await stage.askToken(agent, { bearer: true }))?.result.token ?? Promise.reject()
    const [first, last, lives] = [await issue(), await issue(), await issue()]
    away.watch([first, last, lives])
    await away.until(() => away.verdictOf(lives.jti) === 'permitted', 'lets nothing pass')
    away.proxy.refusing = true
    away.proxy.cut()
    await away.until(() => away.verdictOf(lives.jti) === 'lease_over', 'never misses the feed')

    const end = (id: string) => {
      const json = { id, cause: 'compromised' }
      return stage.ask({ do: 'revoke', id }, { path: '/v1/revocations', json })
    }
    await end(first.jti)
    const others = async () => {
      for (let n = 0; n < missed / 20; n++) {
        await stage.organization.api('post', '/v1/revocations', { id: newId('tok'), cause: 'compromised' })
      }
    }
    await Promise.all(Array.from({ length: 20 }, others))
    await end(last.jti)

    away.proxy.heal()
    away.proxy.down.delayMs = 100
    let partly = 0
    const head = missed + 2
    await away.until(({ feed, going, ready }) => {
      const seq = feed?.seq ?? 0
      if (seq === head) return ready
      // Part of it is no more than nothing: it shows nothing that did not end in the other part.
      expect(feed?.fresh).toBe(false)
      for (const { jti, verdict } of going) expect([jti, verdict]).not.toEqual([jti, 'permitted'])
      if (seq > 0) partly += 1
      return false
    }, 'does not catch up')
    expect(partly).toBeGreaterThan(0)
    away.proxy.heal()
    const settled = { [first.jti]: 'revoked', [last.jti]: 'revoked', [lives.jti]: 'permitted' }
    await away.until(() => Object.entries(settled).every(([jti, code]) => away.verdictOf(jti) === code), 'is wrong')
    // The others are in nobody's ledger; what the rule of verifiers says is all that is asked here.
    const found = await check(stage.ledger.entries, await observe(stage))
    expect(found.filter(({ rule }) => rule === 'I3')).toEqual([])
  } finally {
    await verifier?.stop()
    await deployment.remove()
  }
})
