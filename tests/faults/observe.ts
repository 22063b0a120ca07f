// What the authority says after a fault, through its public doors: its feed, its log, what exists and stands, and what it answers
// to those who try what must not work any more.

import {
  type Batch,
  base64url,
  decodeLeaf,
  type Fact,
  importPublicKey,
  type JsonObject,
  type KeyLookup,
  type Leaf,
  type LogHead,
  verifyBatch,
  verifyLogHead,
} from '@credence/protocol'
import type { Agent } from '../cast.ts'
import type { IssuedToken } from './ledger.ts'
import type { Stage } from './stage.ts'
import { endedBy, settledAgents, type Told, tell } from './told.ts'

export type PlacedLeaf = { position: number; bytes: string; leaf: Leaf }

export type Observation = {
  atMs: number
  feed: { incarnation: number; head: number; facts: Fact[] }
  /** The head is signed; the records are those served. */
  log: { head: LogHead; records: PlacedLeaf[] }
  agents: Map<string, { handle: string; status: string; epoch: number }>
  delegations: Map<string, { hash: string; alive: boolean }>
  /** The state of each signing key, by its `kid`. */
  keys: Map<string, string>
  /** By `jti`: what introspection says to the operator. */
  active: Map<string, boolean>
  /** By id of an agent or a delegation: whether the token endpoint gives a token for it. */
  granted: Map<string, boolean>
}

/** Looks at everything, and tries everything that should be refused. Call it when nothing is under way. */
export async function observe(stage: Stage): Promise<Observation> {
  await stage.ledger.observed()
  const told = tell(stage.ledger.entries)
  await replay(stage, told)
  const granted = await tryTokens(stage, told)
  const active = await introspect(stage, tokensToTry(tell(stage.ledger.entries)))
  const published = await keysOf(stage)
  const [feed, agents, delegations, keys] = [
    await readFeed(stage, published),
    await listAgents(stage),
    await listDelegations(stage),
    await listKeys(stage),
  ]
  const log = await readLog(stage, published)
  return { atMs: Date.now(), feed, log, agents, delegations, keys, active, granted }
}

const mostAtOnce = 8
/** Beyond those that must be dead. */
const tokensTried = 80

/**
 * Sends again, once each, the single-use things of the latest requests: those that were answered, and those that were not. Only what
 * is still young, of agents that nobody stops: refused or not, it says whether the thing had been used.
 */
async function replay(stage: Stage, told: readonly Told[]): Promise<void> {
  const steady = new Map(stage.steady.map((agent) => [agent.id, agent]))
  const isYoung = (askedAtMs: number, ms: number) => askedAtMs > Date.now() - ms
  const young = told.filter(({ wish, askedAtMs }) => !wish.again && wish.assertion && isYoung(askedAtMs, 200_000))
  const of = (outcome: Told['outcome']) =>
    young.filter((one) => one.outcome === outcome && steady.has(one.wish.id ?? ''))
  const again = [...of('unknown').slice(-60), ...of('done').slice(-20)]
  await eachOf(
    onceEach(again, ({ wish }) => wish.assertion),
    async ({ wish: { id = '', assertion = '', proof = '' }, askedAtMs }) => {
      const agent = steady.get(id) as Agent
      await stage.askToken(agent, { assertion, again: 'assertion' })
      // It lives for a minute, an assertion of ours for five.
      if (proof && isYoung(askedAtMs, 30_000)) await stage.askToken(agent, { proof, again: 'proof' })
    },
  )
}

/** Whether agents that are suspended or back, and revoked delegations, still get tokens. */
async function tryTokens(stage: Stage, told: readonly Told[]): Promise<Map<string, boolean>> {
  const granted = new Map<string, boolean>()
  await eachOf([...settledAgents(told).keys()], async (id) => {
    granted.set(id, (await stage.askToken(stage.agent(id)))?.status === 200)
  })
  const chains = new Map(told.map(({ wish, result }) => [wish.delegation ?? result.id, result.chain ?? wish.chain]))
  const ended = endedBy(told).filter(({ wish }) => wish.id.startsWith('dlg_'))
  await eachOf(ended, async ({ wish: { id: delegation } }) => {
    const chain = chains.get(delegation)
    const delegate = stage.steady.find(({ clientId }) => clientId === delegateIn(chain?.at(-1)))
    if (!chain || !delegate) throw new Error(`nobody knows the chain of ${delegation}`)
    granted.set(delegation, (await stage.askToken(delegate, { chain, delegation }))?.status === 200)
  })
  return granted
}

function delegateIn(statement = ''): string {
  return JSON.parse(Buffer.from(statement.split('.')[1] ?? '', 'base64url').toString()).delegate
}

/** All that were revoked, and the latest of the others. */
function tokensToTry(told: readonly Told[]): IssuedToken[] {
  const tokens = told.flatMap(({ result }) => result.token ?? [])
  const ended = new Set(endedBy(told).map(({ wish }) => wish.id))
  const dead = tokens.filter(({ jti }) => ended.has(jti))
  return [...dead, ...tokens.filter(({ jti }) => !ended.has(jti)).slice(-tokensTried)]
}

async function introspect(stage: Stage, tokens: readonly IssuedToken[]): Promise<Map<string, boolean>> {
  const active = new Map<string, boolean>()
  await eachOf(tokens, async ({ jti, compact }) => {
    const form = await stage.tokenForm(stage.operator, compact)
    active.set(jti, (await ok(stage.send({ path: '/introspect', form }))).active)
  })
  return active
}

async function keysOf(stage: Stage): Promise<KeyLookup> {
  const { keys } = (await ok(stage.send({ method: 'GET', path: '/jwks' }))) as { keys: JsonObject[] }
  const known = await Promise.all(keys.map((jwk) => importPublicKey(jwk, jwk.kid as string)))
  return (_issuer, kid) => known.find((key) => key.kid === kid)
}

async function readFeed(stage: Stage, keys: KeyLookup): Promise<Observation['feed']> {
  const { issuer } = stage.organization
  const facts: Fact[] = []
  for (let after = 0; ; ) {
    const path = `/revocations?after=${after}&limit=512&nonce=observing`
    const batch: Batch = await verifyBatch(await ok(stage.send({ method: 'GET', path })), { issuer, keys })
    facts.push(...batch.facts)
    after = batch.to
    if (batch.to >= batch.head) return { incarnation: batch.incarnation, head: batch.head, facts }
  }
}

async function readLog(stage: Stage, keys: KeyLookup): Promise<Observation['log']> {
  const { issuer } = stage.organization
  const { signed } = await ok(stage.send({ method: 'GET', path: '/v1/audit/head' }))
  const head = await verifyLogHead(signed, { issuer, keys })
  const records: PlacedLeaf[] = []
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page = await ok(stage.send({ method: 'GET', path: `/v1/audit/records?after=${after}&limit=500` }))
    for (const { position, leaf_bytes: bytes } of page.records) {
      records.push({ position, bytes, leaf: decodeLeaf(base64url.decode(bytes)) })
    }
    after = page.next_after
  }
  return { head, records }
}

async function listAgents(stage: Stage): Promise<Observation['agents']> {
  const all = await list(stage, '/v1/agents')
  return new Map(all.map(({ id, handle, status, epoch }) => [id, { handle, status, epoch }]))
}

async function listDelegations(stage: Stage): Promise<Observation['delegations']> {
  const all = await list(stage, '/v1/delegations')
  return new Map(all.map(({ id, hash, alive }) => [id, { hash, alive }]))
}

async function listKeys(stage: Stage): Promise<Observation['keys']> {
  const { items } = await ok(stage.send({ method: 'GET', path: '/v1/signing-keys' }))
  return new Map((items as Array<{ id: string; state: string }>).map(({ id, state }) => [id, state]))
}

// biome-ignore lint/suspicious/noExplicitAny: rows off the wire.
async function list(stage: Stage, path: string): Promise<any[]> {
  const items: unknown[] = []
  for (let cursor = ''; ; ) {
    const page = await ok(stage.send({ method: 'GET', path: `${path}?limit=100${cursor}` }))
    items.push(...page.items)
    if (!page.next_cursor) return items
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`
  }
}

async function ok(sent: ReturnType<Stage['send']>) {
  const { status, body } = await sent
  if (status !== 200) throw new Error(`looking failed: ${status} ${JSON.stringify(body)}`)
  return body
}

function onceEach<T>(all: readonly T[], by: (one: T) => string | undefined): T[] {
  return [...new Map(all.map((one) => [by(one), one])).values()]
}

async function eachOf<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all]
  const work = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await act(one)
  }
  await Promise.all(Array.from({ length: mostAtOnce }, work))
}
