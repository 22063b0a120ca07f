// A small history in which nothing is wrong, for tests of the checker to put one thing wrong in.

import { base64url, encodeLeaf, type Leaf, type LeafType, leafHash, newId, rootOf } from '@credence/protocol'
import type { Entry, IssuedToken, Result, Wish } from './ledger.ts'
import type { Observation, PlacedLeaf } from './observe.ts'

const startMs = 1_800_000_000_000
const org = newId('org')
const hash = (letter: string) => letter.repeat(43)
const stalenessMs = 5_000
const machineAt = (atMs: number) => atMs - startMs + 1_000_000

export const ids = {
  steady: newId('agt'),
  stopped: newId('agt'),
  back: newId('agt'),
  made: newId('agt'),
  unsure: newId('agt'),
  operator: newId('agt'),
  registered: newId('dlg'),
  exchanged: newId('dlg'),
  live: newId('tok'),
  revoked: newId('tok'),
  ofStopped: newId('tok'),
  ofBack: newId('tok'),
  afterBack: newId('tok'),
  ofDelegation: newId('tok'),
  lost: newId('tok'),
  firstKey: newId('sgk'),
  nextKey: newId('sgk'),
}

export type History = { entries: Entry[]; now: Observation; before: Observation }

/** What each test gets to spoil; `seal` gives the log, as it then is, its places and its root. */
export async function healthyHistory(): Promise<History> {
  const entries: Entry[] = []
  const leaves: Leaf[] = []
  const facts: Observation['feed']['facts'] = []

  const record = (type: LeafType, trace: string | undefined, more: Partial<Leaf>) => {
    leaves.push({ v: 1, id: newId('aud'), org, at_ms: startMs, type, ...(trace && { trace_id: trace }), ...more })
  }
  const request = (
    wish: Omit<Wish, 'trace'>,
    answer: { status: number; code?: string; result?: Result } | undefined,
  ) => {
    const n = entries.filter(({ says }) => says === 'asked').length
    const trace = (n + 1).toString(16).padStart(32, '0')
    const atMs = startMs + entries.length
    entries.push({ says: 'asked', n, atMs, wish: { ...wish, trace } })
    if (answer) {
      const { result = {} } = answer
      entries.push({ says: 'answered', n, atMs, machineMs: machineAt(atMs), ...answer, result })
    } else entries.push({ says: 'unanswered', n, atMs, why: 'the connection ended' })
    return trace
  }
  const issue = (jti: string, id: string, lineage: IssuedToken['lineage'], more: Partial<Wish> = {}) => {
    const token = { jti, exp: startMs / 1000 + 900, lineage, kid: 'sgk_1', compact: '' }
    const wish = {
      do: more.chain ? ('exchange' as const) : ('issue' as const),
      id,
      assertion: `a ${jti}`,
      proof: `p ${jti}`,
      ...more,
    }
    const trace = request(wish, { status: 200, result: { token } })
    const type = more.chain ? 'token.exchanged' : 'token.issued'
    record(type, trace, { token: jti, agent: id, ...(more.chain && { chain: [hash('E')] }) })
  }
  const end = (id: string, epoch: number, deed: 'revoke' | 'suspend') => {
    const seq = facts.length + 1
    facts.push({ seq, id, epoch, cause: 'test', at_ms: startMs, forget_after: startMs / 1000 + 1200 })
    const trace = request({ do: deed, id }, { status: 200, result: { fact: { seq, id, epoch }, alreadyEnded: false } })
    record('revocation.made', trace, { subject: id })
  }

  record('organization.created', undefined, { subject: org })
  for (const id of [ids.steady, ids.stopped, ids.back]) record('agent.registered', undefined, { subject: id })
  const result = { id: ids.made, handle: 'made' }
  record('agent.registered', request({ do: 'register agent' }, { status: 201, result }), { subject: ids.made })
  const delegation = {
    do: 'register delegation' as const,
    id: ids.registered,
    delegation: ids.registered,
    chain: ['A'],
  }
  const registered = request(delegation, { status: 201, result: { id: ids.registered, chain: ['A'] } })
  record('delegation.registered', registered, { subject: ids.registered, chain: [hash('A')] })
  issue(ids.live, ids.steady, [[ids.steady, 0]])
  issue(ids.revoked, ids.steady, [[ids.steady, 0]])
  issue(ids.ofStopped, ids.stopped, [[ids.stopped, 0]])
  issue(ids.ofBack, ids.back, [[ids.back, 0]])
  const exchanged = { delegation: ids.exchanged, chain: ['E'] }
  issue(
    ids.ofDelegation,
    ids.steady,
    [
      [ids.steady, 0],
      [ids.exchanged, 0],
    ],
    exchanged,
  )
  end(ids.revoked, 1, 'revoke')
  end(ids.back, 1, 'suspend')
  const before = await observed(leaves, facts)

  record('standing.restored', request({ do: 'resume', id: ids.back }, { status: 200 }), { subject: ids.back })
  issue(ids.afterBack, ids.back, [[ids.back, 1]])
  end(ids.stopped, 1, 'suspend')
  end(ids.exchanged, 1, 'revoke')
  request({ do: 'rotate' }, { status: 202, result: { id: ids.nextKey } })
  for (const action of ['prepare', 'publish'])
    record('signing_key.changed', undefined, { subject: ids.nextKey, action })
  // One verifier was cut off, one knew before the answer came, and one may go on with what is harmless.
  const stopped = entries.findLast((entry) => entry.says === 'answered' && entry.result.fact?.id === ids.stopped)
  const endedMs = machineAt(stopped?.atMs ?? 0)
  for (const [verifier, whenStale, harmless, lateMs] of [
    ['cut off', 'refuse', false, stalenessMs],
    ['connected', 'refuse', false, -1],
    ['harmless', 'harmless_reads', true, 60_000],
  ] as const) {
    const terms = { verifier, operator: ids.operator, stalenessMs, whenStale, harmless, jti: ids.ofStopped }
    const judge = (verdict: string, fromMs: number, toMs: number) =>
      entries.push({ says: 'judged', atMs: startMs, ...terms, verdict, fromMs, toMs, times: 9 })
    judge('permitted', 0, endedMs + lateMs)
    judge('revoked', endedMs + lateMs + 10, endedMs + 90_000)
  }
  // Killed: one of these had its effect, the other had none.
  const unsure = request({ do: 'issue', id: ids.steady, assertion: 'a unsure', proof: 'p unsure' }, undefined)
  record('token.issued', unsure, { token: ids.lost, agent: ids.steady })
  request({ do: 'register agent' }, undefined)
  entries.push({ says: 'observed', atMs: startMs + entries.length })
  const replay = { do: 'issue' as const, id: ids.steady }
  request({ ...replay, assertion: 'a unsure', again: 'assertion' }, { status: 401, code: 'assertion_replayed' })
  request({ ...replay, proof: 'p unsure', again: 'proof' }, { status: 400, code: 'proof_replayed' })
  request({ ...replay, assertion: `a ${ids.live}`, again: 'assertion' }, { status: 401, code: 'assertion_replayed' })
  return { entries, before, now: await observed(leaves, facts) }
}

async function observed(leaves: Leaf[], facts: Observation['feed']['facts']): Promise<Observation> {
  const epochOf = (id: string) => facts.findLast((fact) => fact.id === id)?.epoch ?? 0
  const agent = (handle: string, id: string, status = 'active') => [id, { handle, status, epoch: epochOf(id) }] as const
  const observation: Observation = {
    atMs: startMs + 1_000,
    feed: { incarnation: 1, head: facts.length, facts: [...facts] },
    log: { head: { iss: 'https://credence.example', org, size: 0, root: '', at_ms: startMs }, records: [] },
    agents: new Map([
      agent('steady', ids.steady),
      agent('stopped', ids.stopped, epochOf(ids.stopped) ? 'suspended' : 'active'),
      agent('back', ids.back),
      agent('made', ids.made),
    ]),
    delegations: new Map([
      [ids.registered, { hash: hash('A'), alive: true }],
      [ids.exchanged, { hash: hash('E'), alive: epochOf(ids.exchanged) === 0 }],
    ]),
    keys: new Map([
      [ids.firstKey, 'active'],
      [ids.nextKey, 'published'],
    ]),
    active: new Map([
      [ids.live, true],
      [ids.revoked, false],
      [ids.ofStopped, false],
      [ids.ofBack, false],
      [ids.afterBack, true],
      [ids.ofDelegation, false],
    ]),
    granted: new Map([
      [ids.stopped, false],
      [ids.back, true],
      [ids.exchanged, false],
    ]),
  }
  observation.log.records = leaves.map((leaf, position) => ({ position, leaf, bytes: '' }))
  await seal(observation)
  return observation
}

/** Makes bytes of the leaves, in order, and a head over them: an authority that lies consistently. */
export async function seal({ log }: Observation): Promise<void> {
  log.records = log.records.map(({ leaf }, position): PlacedLeaf => {
    return { position, leaf, bytes: base64url.encode(encodeLeaf(leaf)) }
  })
  const hashes = await Promise.all(log.records.map(({ bytes }) => leafHash(base64url.decode(bytes))))
  log.head = { ...log.head, size: hashes.length, root: base64url.encode(await rootOf(hashes)) }
}
