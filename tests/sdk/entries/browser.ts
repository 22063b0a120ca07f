// Both sides of the SDK where there is no Node: an agent gets a token, calls, is verified, and is refused once it has ended.

import { AgentKey } from '@credence/sdk'
import { createVerifier } from '@credence/sdk/verify'
import { boundCall, target } from '../../../sdks/typescript/test/calls.ts'
import { FakeIssuer } from '../../../sdks/typescript/test/fake_issuer.ts'
import { ManualClock, until } from '../../../sdks/typescript/test/manual_clock.ts'

export async function run(): Promise<string[]> {
  const clock = new ManualClock()
  const issuer = await FakeIssuer.open(clock)
  const verifier = createVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator: await issuer.operator() }],
    ...issuer.runtime,
  })
  await verifier.ready()
  await clock.advance(7_000)
  await issuer.heartbeat()

  const key = await AgentKey.generate()
  const agent = await issuer.agent('spiffe://acme.example/agent/payer', key)
  const { value } = await agent.token({ resource: issuer.resource })
  const call = async () => {
    const verdict = await verifier.verify(await boundCall(value, key, clock, { url: target }), { scope: 'ledger:read' })
    return verdict.ok ? verdict.agent : verdict.refusal.code
  }
  const before = await call()
  await issuer.revoke(issuer.signing.kid)
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
  const after = await call()
  await verifier.stop()
  return [before, after]
}
