import { generateSigningKey, importPublicKey, newId, verifyBatch } from '@credence/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bearerCall } from '../../test/calls.ts'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock, moment, until } from '../../test/manual_clock.ts'
import { createVerifier, type TrustedIssuer, type Verdict, type Verifier } from '../verify.ts'

let clock: ManualClock
let issuer: FakeIssuer
let verifier: Verifier

async function start(own: Pick<TrustedIssuer, 'whenStale' | 'harmlessScopes'> = {}): Promise<void> {
  verifier = createVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator: await issuer.operator(), ...own }],
    ...issuer.runtime,
  })
}

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
})

afterEach(async () => {
  await verifier.stop()
})

/** Long enough that an unknown key id may be asked about again. */
async function coolDown(): Promise<void> {
  await clock.advance(31_000)
  const follows = () => verifier.state().ready && issuer.streams.size > 0
  for (let turn = 0; turn < 100 && !follows(); turn++) await clock.advance(250)
}

const codeOf = (verdict: Verdict) => (verdict.ok ? 'permitted' : verdict.refusal.code)
const verify = async (token: string, scope = 'ledger:read') =>
  codeOf(await verifier.verify(bearerCall(token), { scope }))

test('a verifier refuses everything until it knows the current revocations, and asks for no keys meanwhile', async () => {
  issuer.reachable = false
  await start()
  await moment()
  expect(await verify(await issuer.token())).toBe('not_ready')
  expect(verifier.state().ready).toBe(false)
  const ready = verifier.ready(2_000)
  ready.catch(() => {})
  await clock.advance(2_000)
  await expect(ready).rejects.toMatchObject({
    code: 'not_ready',
    detail: `${issuer.issuer}: ${verifier.state().issuers[issuer.issuer]?.lastRefusal}`,
  })
  expect(verifier.state().issuers[issuer.issuer]?.lastRefusal).toBeDefined()

  issuer.reachable = true
  for (let turn = 0; turn < 100 && !verifier.state().ready; turn++) await clock.advance(250)
  expect(await verify(await issuer.token())).toBe('permitted')
})

test('a revocation is in force as soon as it has arrived, and is acknowledged', async () => {
  await start()
  await verifier.ready()
  const claims = await issuer.claims()
  const token = await issuer.token(claims)
  expect(await verify(token)).toBe('permitted')
  await issuer.revoke(claims.agent)
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
  expect(await verify(token)).toBe('revoked')
  expect(await verify(await issuer.token())).toBe('permitted')
  await clock.advance(60)
  expect(issuer.acknowledged.at(-1)).toBe(1)
})

test('acknowledgements of many facts are few', async () => {
  await start()
  await verifier.ready()
  for (let n = 0; n < 30; n++) await issuer.revoke(newId('tok'))
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 30)
  await clock.advance(60)
  await until(() => issuer.acknowledged.at(-1) === 30)
  expect(issuer.acknowledged.length).toBeLessThanOrEqual(4)
})

test.each(['token', 'signing key', 'organization', 'agent'])(
  'ending a %s ends a token that was verified before',
  async (what) => {
    await start()
    await verifier.ready()
    const claims = await issuer.claims()
    const token = await issuer.token(claims)
    expect(await verify(token)).toBe('permitted')
    const ids = { token: claims.jti, 'signing key': issuer.signing.kid, organization: issuer.org, agent: claims.agent }
    await issuer.revoke(ids[what as keyof typeof ids])
    await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
    expect(await verify(token)).toBe('revoked')
    expect(
      await verify(
        await issuer.token({
          ...claims,
          lineage: [
            [issuer.org, 1],
            [claims.agent, 1],
          ],
        }),
      ),
    ).toBe(what === 'token' || what === 'signing key' ? 'revoked' : 'permitted')
  },
)

test('a frozen feed: calls pass until the lease is over, and not a moment longer', async () => {
  await start()
  await verifier.ready()
  issuer.reachable = false
  const token = await issuer.token()
  await clock.advance(9_900)
  expect(await verify(token)).toBe('permitted')
  await clock.advance(200)
  expect(await verify(token)).toBe('lease_over')
  expect(verifier.state()).toMatchObject({ ready: false })
})

test('heartbeats keep the lease going', async () => {
  await start()
  await verifier.ready()
  for (let second = 0; second < 25; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  await moment()
  expect(await verify(await issuer.token())).toBe('permitted')
  expect(issuer.count('/revocations/stream')).toBe(1)
})

test('a half-open connection is given up after a few silent seconds and made again', async () => {
  await start()
  await verifier.ready()
  await clock.advance(3_500)
  await until(() => issuer.count('/revocations/stream') === 2)
  expect(verifier.state().ready).toBe(true)
})

test('who is sent away comes back at its turn, and not before', async () => {
  issuer.busyUntil = '7'
  await start()
  await until(() => issuer.count('/revocations/stream') === 1)
  await moment()
  await clock.advance(6_900)
  expect(issuer.count('/revocations/stream')).toBe(1)
  issuer.busyUntil = undefined
  await clock.advance(1_200)
  await until(() => verifier.state().ready)
  expect(issuer.count('/revocations/stream')).toBe(2)
})

test.each(['9999', 'Wed, 25 Nov 2026 07:28:00 GMT', '-1', '1e9', ''])(
  'Retry-After of %j keeps nobody from the feed for long',
  async (said) => {
    issuer.busyUntil = said
    await start()
    await until(() => issuer.count('/revocations/stream') === 1)
    await moment()
    issuer.busyUntil = undefined
    for (let turn = 0; turn < 64 && !verifier.state().ready; turn++) await clock.advance(250)
    expect(verifier.state().ready).toBe(true)
  },
)

test('a stream that sends only comments makes nothing fresh, and is left for another', async () => {
  await start()
  await verifier.ready()
  issuer.firstBatch = false
  for (let second = 0; second < 11; second++) {
    await clock.advance(1_000)
    for (const stream of issuer.streams) stream.bytes(new TextEncoder().encode(': nothing\n\n'))
  }
  await moment()
  expect(await verify(await issuer.token())).toBe('lease_over')
  await until(() => issuer.count('/revocations/stream') === 2)
  await issuer.heartbeat()
  await until(() => verifier.state().ready)
})

test('an acknowledgement that is swallowed does not keep the next from being sent', async () => {
  await start()
  await verifier.ready()
  issuer.swallows = '/revocations/acknowledgements'
  await issuer.revoke(newId('tok'))
  await clock.advance(60)
  expect(issuer.acknowledged.at(-1)).not.toBe(1)
  issuer.swallows = undefined
  for (let second = 0; second < 8; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  expect(issuer.acknowledged.at(-1)).toBe(1)
})

test('a successor that nobody has seen before speaks in the feed, and is known, whatever strangers have used up', async () => {
  await start()
  await verifier.ready()
  await coolDown()
  const forged = { ...issuer.signing, kid: 'of-a-stranger' }
  expect(await verify(await issuer.token({}, forged))).toBe('key_unknown')
  const [revoked, old] = [issuer.signing.kid, await issuer.token()]
  expect(await verify(old)).toBe('permitted')
  issuer.signing = await generateSigningKey('ES256')
  issuer.published = [issuer.signing]
  await issuer.revoke(revoked)
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
  expect(await verify(old)).toBe('revoked')
  expect(await verify(await issuer.token())).toBe('permitted')
  expect(await verify(await issuer.token({}, forged))).toBe('key_unknown')
})

test('a feed that speaks with keys nobody shows makes one fetch in a second', async () => {
  await start()
  await verifier.ready()
  const before = issuer.count('/jwks')
  issuer.signing = await generateSigningKey('ES256')
  for (let turn = 0; turn < 40; turn++) await clock.advance(250)
  expect(issuer.count('/jwks') - before).toBeLessThanOrEqual(10)
  expect(issuer.count('/jwks') - before).toBeGreaterThan(1)
  expect(await verify(await issuer.token())).toBe('key_unknown')
})

test('a key set without a usable key takes none away', async () => {
  await start()
  await verifier.ready()
  const token = await issuer.token()
  issuer.published = []
  await coolDown()
  expect(await verify(await issuer.token({}, { ...issuer.signing, kid: 'unknown' }))).toBe('key_unknown')
  expect(await verify(token)).toBe('permitted')
})

test('a lost fact is found by the next heartbeat and fetched, and the stream goes on', async () => {
  await start()
  await verifier.ready()
  const claims = await issuer.claims()
  const token = await issuer.token(claims)
  await issuer.revoke(claims.jti, { missed: true })
  await issuer.heartbeat()
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
  expect(issuer.count('/revocations')).toBe(1)
  expect(await verify(token)).toBe('revoked')
  expect(issuer.count('/revocations/stream')).toBe(1)
})

test('facts in any order and any number of times have one outcome', async () => {
  await start()
  await verifier.ready()
  const claims = await issuer.claims()
  const token = await issuer.token(claims)
  await issuer.revoke(newId('tok'), { missed: true })
  await issuer.revoke(claims.agent, { missed: true, epoch: 3 })
  await issuer.revoke(claims.agent, { missed: true, epoch: 2 })
  for (const after of [2, 0, 1, 0]) await issuer.tell(issuer.batch(after))
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 3)
  expect(await verify(token)).toBe('revoked')
})

test('a rolled back authority makes nothing fresh, and is shown what it had signed', async () => {
  await start()
  await verifier.ready()
  await issuer.revoke(newId('tok'))
  await issuer.revoke(newId('tok'))
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 2)
  issuer.facts.pop()
  for (let second = 0; second < 11; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  await moment()
  expect(await verify(await issuer.token())).toBe('lease_over')
  expect(verifier.state().issuers[issuer.issuer]?.lastRefusal).toBe('feed_rolled_back')
  const shown = await verifyBatch(issuer.shown[0] ?? '', {
    issuer: issuer.issuer,
    keys: () => importPublicKey(issuer.signing.publicJwk, issuer.signing.kid),
  })
  expect(shown).toMatchObject({ incarnation: 1, head: 2 })
})

test('a restored authority with a higher incarnation is followed, and what had ended stays ended', async () => {
  await start()
  await verifier.ready()
  const claims = await issuer.claims()
  const token = await issuer.token(claims)
  await issuer.revoke(claims.jti)
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
  issuer.facts.length = 0
  issuer.incarnation = 2
  await issuer.heartbeat()
  await until(() => verifier.state().issuers[issuer.issuer]?.incarnation === 2)
  await clock.advance(100)
  await issuer.heartbeat()
  await moment()
  expect(await verify(token)).toBe('revoked')
  expect(await verify(await issuer.token())).toBe('permitted')
})

test('the authority’s clock going back does not starve the verifier: it is timed anew', async () => {
  await start()
  await verifier.ready()
  issuer.clockAheadMs = -3_600_000
  for (let second = 0; second < 15; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  await moment()
  expect(verifier.state().ready).toBe(true)
})

test('the authority’s clock jumping ahead never lengthens a lease', async () => {
  await start()
  await verifier.ready()
  issuer.clockAheadMs = 3_600_000
  await clock.advance(1_000)
  await issuer.heartbeat()
  await moment()
  issuer.reachable = false
  const token = await issuer.token()
  await clock.advance(10_100)
  expect(await verify(token)).toBe('lease_over')
})

test('this machine’s clock: jumps do not touch the lease, and going back revives nothing', async () => {
  await start()
  await verifier.ready()
  const token = await issuer.token()
  const later = issuer.tokenSeconds * 1000 + 6_000
  clock.jump(later)
  expect(verifier.state().ready).toBe(true)
  expect(await verify(token)).toBe('token_expired')
  clock.jump(-later)
  expect(await verify(token)).toBe('token_expired')
})

test('both clocks ahead and back again: what a fact ended is past by the time that calls are judged by, before it is forgotten', async () => {
  await start()
  await verifier.ready()
  const claims = await issuer.claims()
  const token = await issuer.token(claims)
  await issuer.revoke(claims.agent)
  await until(() => verifier.state().issuers[issuer.issuer]?.seq === 1)
  const ahead = 3 * 3_600_000
  clock.jump(ahead)
  for (let second = 0; second < 4; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  await until(() => verifier.state().issuers[issuer.issuer]?.facts === 0)
  clock.jump(-ahead)
  for (let second = 0; second < 4; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  expect(verifier.state().ready).toBe(true)
  expect(await verify(token)).toBe('token_expired')
})

test('when stale, scopes that were granted as harmless may go on, and nothing else', async () => {
  issuer.whenStale = 'harmless_reads'
  issuer.harmlessScopes = ['ledger:read']
  await start()
  await verifier.ready()
  const token = await issuer.token({ scope: 'ledger:*' })
  issuer.reachable = false
  await clock.advance(11_000)
  expect(await verify(token)).toBe('permitted')
  expect(await verify(token, 'ledger:write')).toBe('lease_over')
  expect(codeOf(await verifier.verify(bearerCall(token)))).toBe('lease_over')
  await clock.advance(issuer.tokenSeconds * 1000)
  expect(await verify(token)).toBe('token_expired')
})

test('when stale, the authority can be asked instead; without its answer the call is refused', async () => {
  issuer.whenStale = 'introspect'
  await start()
  await verifier.ready()
  const token = await issuer.token()
  issuer.leaseMs = 0
  for (const stream of issuer.streams) stream.end()
  await clock.advance(10_100)
  expect(verifier.state().ready).toBe(false)
  expect(await verify(token)).toBe('permitted')
  issuer.introspectsActive = false
  expect(await verify(token)).toBe('revoked')
  issuer.reachable = false
  expect(await verify(token)).toBe('lease_over')
})

test('what a service says itself is only ever stricter than what was granted', async () => {
  const scope = 'ledger:read'
  const harmless = { whenStale: 'harmless_reads', harmlessScopes: ['ledger:*'] } as const
  const cases = [
    // granted, its scopes, own, what becomes of a harmless call while the authority can be asked, and while it cannot
    ['refuse', [], harmless, 'lease_over', 'lease_over'],
    ['refuse', [], { whenStale: 'introspect' }, 'lease_over', 'lease_over'],
    ['introspect', [], { whenStale: 'refuse' }, 'lease_over', 'lease_over'],
    ['introspect', [], harmless, 'permitted', 'lease_over'],
    ['introspect', [], { ...harmless, harmlessScopes: ['other'] }, 'lease_over', 'lease_over'],
    ['harmless_reads', [scope], {}, 'permitted', 'permitted'],
    ['harmless_reads', [scope], harmless, 'permitted', 'permitted'],
    ['harmless_reads', [scope], { harmlessScopes: ['other'] }, 'lease_over', 'lease_over'],
    ['harmless_reads', ['other'], harmless, 'lease_over', 'lease_over'],
    ['harmless_reads', [scope], { whenStale: 'introspect' }, 'permitted', 'lease_over'],
  ] as const
  for (const [granted, scopes, own, asked, cutOff] of cases) {
    issuer = await FakeIssuer.open(clock)
    issuer.whenStale = granted
    issuer.harmlessScopes = [...scopes]
    await start(own)
    await verifier.ready()
    expect(verifier.state().issuers[issuer.issuer]?.whenStale).toBe(granted)
    const token = await issuer.token({ scope: 'ledger:*' })
    issuer.leaseMs = 0
    for (const stream of issuer.streams) stream.end()
    await clock.advance(10_100)
    const called = `${granted}, itself ${JSON.stringify(own)}`
    expect(await verify(token, scope), called).toBe(asked)
    issuer.reachable = false
    expect(await verify(token, scope), called).toBe(cutOff)
    await verifier.stop()
  }
})

test('terms that are changed at the authority hold within a minute or so, on the same connection', async () => {
  issuer.whenStale = 'harmless_reads'
  issuer.harmlessScopes = ['ledger:read']
  await start()
  await verifier.ready()
  issuer.whenStale = 'refuse'
  for (let second = 0; second < 62; second++) {
    await clock.advance(1_000)
    await issuer.heartbeat()
  }
  await until(() => verifier.state().issuers[issuer.issuer]?.whenStale === 'refuse')
  expect(issuer.count('/revocations/stream')).toBe(1)
  issuer.reachable = false
  const token = await issuer.token()
  await clock.advance(11_000)
  expect(await verify(token)).toBe('lease_over')
})
