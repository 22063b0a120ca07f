import {
  type AccessTokenClaims,
  newId,
  newStatement,
  readStatement,
  type SigningKey,
  type Statement,
  signStatement,
  splitChain,
} from '@credence/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { boundCall } from '../../test/calls.ts'
import { FakeIssuer } from '../../test/fake_issuer.ts'
import { ManualClock } from '../../test/manual_clock.ts'
import { createVerifier as createEdgeVerifier } from '../edge.ts'
import { AgentKey, delegateAs } from '../index.ts'
import { createVerifier, type Verifier } from '../verify.ts'

const person = 'psn_AAAAAAAAAAAAAAAAAAAAAA'
const planner = 'spiffe://acme.example/agent/planner'
const payer = 'spiffe://acme.example/agent/payer'

let clock: ManualClock
let issuer: FakeIssuer
let verifier: Verifier
let personKey: AgentKey
let plannerKey: AgentKey
let holder: AgentKey
let hops: string[]

/** Makes a chain known to the issuer, and the claims a token of it carries. */
async function drawnFrom(chain: readonly string[]) {
  const read = await Promise.all(chain.map(readStatement))
  for (const [place, { hash }] of read.entries()) issuer.statements.set(hash, chain[place] ?? '')
  const told = read.map(({ statement, hash }) => ({
    delegator: statement.iss,
    delegate: statement.delegate,
    exp: statement.exp,
    evidence: statement.evidence.kind,
    hash,
  }))
  const act = { sub: payer, act: { sub: planner } }
  return {
    sub: person,
    client_id: payer,
    act,
    delegation_chain: told,
    scope: 'ledger:read',
    ...(await issuer.boundTo(holder)),
  }
}

const prove = async (claims: Partial<AccessTokenClaims>) => {
  const verdict = await verifier.verify(await boundCall(await issuer.token(claims), holder, clock), { chain: 'prove' })
  return verdict.ok ? verdict : verdict.refusal.code
}

const root = (): Promise<string> =>
  delegateAs(
    { person, key: personKey, issuer: issuer.issuer, clock },
    { to: planner, resources: [issuer.resource], scope: 'ledger:*', maxDepth: 1 },
  )

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.open(clock)
  personKey = await AgentKey.generate()
  plannerKey = await AgentKey.generate({ algorithm: 'EdDSA' })
  holder = await AgentKey.generate()
  issuer.delegatorKeys.set(`${person} ${personKey.kid}`, personKey.publicJwk)
  issuer.delegatorKeys.set(`${planner} ${plannerKey.kid}`, plannerKey.publicJwk)
  const parent = await root()
  const agent = await issuer.agent(planner, plannerKey)
  hops = splitChain(await agent.delegate({ parent, to: payer, resources: [issuer.resource], scope: 'ledger:read' }))
  verifier = createVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator: await issuer.operator() }],
    ...issuer.runtime,
  })
  await verifier.ready()
  await clock.advance(7_000)
  await issuer.heartbeat()
})

afterEach(() => verifier.stop())

test('a true chain is proven back to the person, with each statement and key fetched once', async () => {
  const claims = await drawnFrom(hops)
  expect(await prove(claims)).toMatchObject({ ok: true, chain: { principal: person } })
  const asked = new Map(issuer.asked)
  expect(await prove(claims)).toMatchObject({ ok: true })
  expect(issuer.asked).toEqual(asked)
  expect(issuer.count('/delegator-keys')).toBe(2)
})

test('a token that tells of its chain otherwise than the statements do is refused', async () => {
  const claims = await drawnFrom(hops)
  const [first, second] = claims.delegation_chain
  if (first === undefined || second === undefined) throw new Error('no chain')
  const lies = {
    'another principal': { sub: 'psn_BBBBBBBBBBBBBBBBBBBBBA' },
    'more scope': { scope: 'ledger:write' },
    'another actor before': { act: { sub: payer, act: { sub: 'spiffe://acme.example/agent/x' } } },
    'an actor left out': { act: { sub: payer } },
    'hops in another order': { delegation_chain: [second, first] },
    'only the upper hop': { delegation_chain: [first] },
    'only the lower hop': { delegation_chain: [second] },
    'another end': { delegation_chain: [first, { ...second, exp: second.exp + 1 }] },
    'other evidence': { delegation_chain: [{ ...first, evidence: 'attested' as const }, second] },
  }
  for (const [what, lie] of Object.entries(lies))
    expect(await prove({ ...claims, ...lie }), what).toEqual(expect.any(String))
})

test('chains are never spliced: a hop under another parent is refused', async () => {
  const other = await root()
  expect(await prove(await drawnFrom([other, hops[1] ?? '']))).toBe('par_hash_mismatch')
})

test('a statement that is not what its hash says, or cannot be had, is refused', async () => {
  const claims = await drawnFrom(hops)
  const hash = claims.delegation_chain[1]?.hash ?? ''
  issuer.statements.set(hash, await root())
  expect(await prove(claims)).toBe('delegation_unknown')
  issuer.statements.delete(hash)
  expect(await prove(claims)).toBe('delegation_unknown')
  issuer.statements.set(hash, hops[1] ?? '')
  expect(await prove(claims)).toMatchObject({ ok: true })
})

test('a hop signed with a key that is not its delegator’s is refused', async () => {
  const read = await readStatement(hops[1] ?? '')
  const stranger = await AgentKey.generate({ kid: plannerKey.kid })
  const forged = await signStatement(stranger, read.statement)
  expect(await prove(await drawnFrom([hops[0] ?? '', forged]))).toBe('signature_invalid')
  issuer.delegatorKeys.delete(`${planner} ${plannerKey.kid}`)
  expect(await prove(await drawnFrom(hops))).toMatchObject({ ok: true })
})

test('an attested hop is verified with the issuer’s keys', async () => {
  const made = async (key: SigningKey) => {
    const words: Parameters<typeof newStatement>[0] = {
      iss: person,
      sub: person,
      delegate: planner,
      authority: issuer.issuer,
      aud: [issuer.resource],
      scope: 'ledger:*',
      max_depth: 1,
      evidence: { kind: 'attested', by: newId('adm'), how: 'administrator' },
    }
    const statement: Statement = newStatement(words, Math.floor(clock.nowMs() / 1000))
    const parent = await signStatement(key, statement)
    const agent = await issuer.agent(planner, plannerKey)
    return splitChain(await agent.delegate({ parent, to: payer, resources: [issuer.resource], scope: 'ledger:read' }))
  }
  expect(await prove(await drawnFrom(await made(issuer.signing)))).toMatchObject({ ok: true })
  expect(await prove(await drawnFrom(await made(personKey)))).toBe('delegator_unknown')
})

test('without being asked to prove, nothing is fetched', async () => {
  const token = await issuer.token(await drawnFrom(hops))
  const asked = new Map(issuer.asked)
  expect((await verifier.verify(await boundCall(token, holder, clock))).ok).toBe(true)
  expect(issuer.asked).toEqual(asked)
})

test('the verifier for the edge gives the same verdicts, and refuses to prove rather than not prove', async () => {
  await verifier.stop()
  verifier = createEdgeVerifier({
    resource: issuer.resource,
    issuers: [{ issuer: issuer.issuer, operator: await issuer.operator() }],
    ...issuer.runtime,
  })
  await verifier.ready()
  await clock.advance(7_000)
  await issuer.heartbeat()
  const claims = await drawnFrom(hops)
  expect(await prove(claims)).toBe('config_invalid')
  const call = await boundCall(await issuer.token(claims), holder, clock)
  expect(await verifier.verify(call, { scope: 'ledger:read' })).toMatchObject({ ok: true, principal: person })
  const again = await verifier.verify(call, { scope: 'ledger:read' })
  expect(again).toMatchObject({ ok: false, refusal: { code: 'proof_replayed' } })
})
