// I3 is watched for real: verifiers that are broken on purpose are found out, by what they let pass, and the one beside them is not.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type Deployment, deploy } from './deployment.ts'
import { observe } from './observe.ts'
import { setStage } from './rounds.ts'
import type { Stage } from './stage.ts'
import { setTerms, VerifierProcess } from './verifiers.ts'

const terms = { stalenessMs: 1_000, whenStale: 'refuse', harmlessScopes: [] } as const

let deployment: Deployment
let stage: Stage
const verifiers: VerifierProcess[] = []

beforeAll(async () => {
  deployment = await deploy('sqlite', { settings: { CREDENCE_HEARTBEAT: '250' } })
  stage = await setStage(deployment, new Chance(newSeed()))
  await setTerms(stage, terms)
  for (const broken of [undefined, 'frozen', 'forgets'] as const) {
    const how = { name: broken ?? 'sound', terms, ...(broken && { broken }) }
    verifiers.push(await VerifierProcess.start(stage, deployment.origin, how))
  }
})
afterAll(async () => {
  await Promise.all(verifiers.map((verifier) => verifier.stop()))
  await deployment?.remove()
})

test('a verifier for which time stands still, and one that does not look, are red; a sound one is not', async () => {
  const [sound, frozen, forgets] = verifiers as [VerifierProcess, VerifierProcess, VerifierProcess]
  const { token } = (await stage.askToken(stage.steady[0] as never, { bearer: true }))?.result ?? {}
  if (!token) throw new Error('no token')
  for (const verifier of verifiers) {
    verifier.watch([token])
    await verifier.until(() => verifier.verdictOf(token.jti) === 'permitted', 'lets nothing pass')
  }
  for (const { proxy } of [sound, frozen]) {
    proxy.refusing = true
    proxy.cut()
  }
  await sound.until(() => sound.verdictOf(token.jti) === 'lease_over', 'never misses the feed')
  const json = { id: token.jti, cause: 'compromised' }
  await stage.ask({ do: 'revoke', id: token.jti }, { path: '/v1/revocations', json })
  await forgets.until(({ feed }) => feed?.seq === 1, 'heard of nothing')
  const began = performance.now()
  while (performance.now() - began < 2 * terms.stalenessMs) {
    await Promise.all(verifiers.map((verifier) => verifier.report()))
  }
  const found = await check(stage.ledger.entries, await observe(stage))
  expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(['I3']))
  expect(found.some(({ says }) => says.startsWith('frozen accepted'))).toBe(true)
  expect(found.some(({ says }) => says.startsWith('forgets accepted'))).toBe(true)
  expect(found.some(({ says }) => says.startsWith('sound'))).toBe(false)
})
