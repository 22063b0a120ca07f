// Readers of what is signed to last: statements and their chains, the log, the feed.

import { strict as assert } from 'node:assert'
import {
  type Batch,
  base64url,
  canonicalize,
  coversAll,
  decodeLeaf,
  delegationId,
  encodeLeaf,
  FeedState,
  hashText,
  isId,
  isJsonObject,
  type JsonObject,
  joinChain,
  parseScope,
  type Statement,
  splitChain,
  subsumes,
  verifyBatch,
  verifyChain,
  verifyLogHead,
} from '@credence/protocol'
import { readStatement } from '../../../packages/protocol/src/delegation/statement.ts'
import { read, readNow, type Target, textOf, valuesOf } from '../target.ts'
import { compactOf } from './keys.ts'
import {
  agentId,
  alpha,
  audience,
  beta,
  hash,
  issuer,
  keys,
  now,
  org,
  person,
  signedLines,
  signer,
  source,
  tokenId,
} from './signing.ts'

const statement = {
  iss: person,
  sub: person,
  delegate: alpha,
  authority: issuer,
  aud: [audience, 'https://b.example/'],
  onward: ['https://c.example/'],
  scope: 'repo:* pr:write',
  constraints: [{ key: 'n', max: 9 }],
  iat: now - 100,
  exp: now + 3_600,
  max_depth: 2,
  task: 't',
  sid: 's',
  jti: 'j'.repeat(22),
  evidence: { kind: 'signed' },
}
const handedOn = { ...statement, iss: alpha, delegate: `${beta}/i`, scope: 'repo:read', max_depth: 1, par_hash: 'LINK' }
const attested = {
  ...statement,
  evidence: { kind: 'attested', by: `adm_${'m'.repeat(21)}A`, how: 'consent', token: tokenId },
}
const hopHeader = '{"alg":"EdDSA","kid":"k1","typ":"delegation+jwt"}'

const statementTarget: Target = {
  name: 'delegation_statement',
  form: 'lines',
  seeds: [
    `${hopHeader}\n${canonicalize(statement as JsonObject)}`,
    `${hopHeader}\n${canonicalize(attested as JsonObject)}`,
  ],
  sources: source('delegation/statement', 'constraints', 'scopes', 'identifiers'),
  maxBytes: 8_192,
  async check(input) {
    const compact = signedLines(input)
    const ours = await read(() => readStatement(compact))
    if (ours.refused !== undefined) return ours.refused
    const { statement: said, id, jws, hash: found } = ours.value
    const [header = '', payload = ''] = textOf(input).split('\n')
    assert.deepEqual(
      [canonicalize(jws.header), canonicalize(said as unknown as JsonObject)],
      [header, payload],
      'two spellings of one statement',
    )
    assert.equal(id, delegationId(found))
    assert.ok(isId(id, 'dlg') && said.exp > said.iat && said.exp - said.iat <= 90 * 86_400)
    return `accepted ${said.evidence.kind}`
  },
}

const chain: Target = {
  name: 'delegation_chain',
  form: 'lines',
  seeds: [
    JSON.stringify(statement),
    [statement, handedOn].map((each) => JSON.stringify(each)).join('\n'),
    [attested, handedOn, { ...handedOn, iss: beta, delegate: alpha, max_depth: 0 }]
      .map((each) => JSON.stringify(each))
      .join('\n'),
  ],
  sources: source('delegation/chain', 'delegation/narrows', 'delegation/statement', 'constraints', 'scopes'),
  words: ['LINK', alpha, beta, person, audience, 'repo:*', 'repo:read'],
  maxBytes: 16_384,
  share: 0.5,
  async check(input) {
    const compacts: string[] = []
    for (const value of valuesOf(input).slice(0, 10)) {
      if (!isJsonObject(value)) return 'no statements'
      const above = compacts.at(-1)
      // What each rests on, where it says that it rests on the one before.
      const par_hash =
        value.par_hash === 'LINK' && above !== undefined
          ? await hashText(above.slice(0, above.lastIndexOf('.')))
          : value.par_hash
      const written = readNow(() => canonicalize(par_hash === undefined ? value : { ...value, par_hash }))
      if (written.refused !== undefined) return written.refused
      compacts.push(compactOf(signer, hopHeader, written.value))
    }
    const split = readNow(() => splitChain(joinChain(compacts)))
    if (split.refused === undefined) assert.deepEqual(split.value, compacts)
    const action = { audience, scope: ['repo:read'], arguments: { n: 1 } }
    const ours = await read(() =>
      verifyChain(compacts, { authority: issuer, now, keyOf: async (_who, kid) => keys('', kid), action }),
    )
    if (ours.refused !== undefined) return ours.refused
    holds(ours.value.hops.map((hop) => hop.statement))
    return `accepted ${compacts.length}`
  },
}

/** What a verified chain must mean, said once more and in another way: nothing below reaches further than anything above it. */
function holds(hops: readonly Statement[]): void {
  const [first] = hops
  for (const [place, hop] of hops.entries()) {
    assert.equal(hop.sub, first?.sub)
    assert.ok(hop.exp > now - 5 && hop.iat <= now + 5 && hop.authority === issuer)
    assert.ok(hops.length - 1 - place <= hop.max_depth)
    for (const above of hops.slice(0, place)) {
      assert.ok(hop.exp <= above.exp && coversAll(parseScope(above.scope), parseScope(hop.scope)))
      assert.ok(hop.aud.every((each) => above.aud.includes(each)))
      assert.ok((hop.onward ?? []).every((each) => (above.onward ?? []).includes(each)))
      assert.ok(subsumes(above.constraints ?? [], hop.constraints ?? []))
      if (above.task !== undefined) assert.equal(hop.task, above.task)
      if (above.sid !== undefined) assert.equal(hop.sid, above.sid)
    }
  }
}

const head: Target = {
  name: 'log_head',
  form: 'lines',
  seeds: [
    `{"alg":"EdDSA","kid":"k1","typ":"log-head+jwt"}\n${JSON.stringify({ iss: issuer, org, size: 3, root: hash, at_ms: now * 1_000 })}`,
  ],
  sources: source('audit/head'),
  share: 0.5,
  async check(input) {
    const ours = await read(() => verifyLogHead(signedLines(input), { issuer, keys }))
    if (ours.refused !== undefined) return ours.refused
    const { size, root, iss } = ours.value
    assert.ok(Number.isSafeInteger(size) && size >= 0 && base64url.decode(root).length === 32 && iss === issuer)
    return 'accepted'
  },
}

const leafSeed = {
  v: 1,
  id: `aud_${'u'.repeat(21)}A`,
  org,
  at_ms: 1,
  type: 'token.issued',
  by: agentId,
  chain: [hash],
  scope: 'a b',
  outcome: 'done',
  trace_id: 'a'.repeat(32),
  count: 2,
  commitments: { name: hash },
}

const leaf: Target = {
  name: 'audit_leaf',
  form: 'json',
  seeds: [
    canonicalize(leafSeed as JsonObject),
    canonicalize({ v: 1, id: leafSeed.id, org, at_ms: 0, type: 'refusals.counted', cause: 'x' }),
  ],
  sources: source('audit/leaf'),
  check(input) {
    const ours = readNow(() => decodeLeaf(input))
    if (ours.refused !== undefined) return ours.refused
    assert.deepEqual(Buffer.from(encodeLeaf(ours.value)), Buffer.from(input), 'two spellings of one leaf')
    return `accepted ${ours.value.type}`
  },
}

const fact = (seq: number, id: string) => ({
  seq,
  id,
  epoch: 1,
  cause: 'revoked',
  at_ms: now * 1_000,
  forget_after: now + 900,
})
const batch = {
  iss: issuer,
  org,
  incarnation: 1,
  after: 0,
  to: 2,
  head: 2,
  facts: [fact(1, agentId), fact(2, person)],
  at_ms: now * 1_000,
  nonce: 'n',
  lease_ms: 10_000,
  resource: audience,
}
const harmless = {
  ...batch,
  after: 2,
  facts: [],
  when_stale: 'harmless_reads',
  harmless_scopes: ['repo:read'],
  at_ms: now * 1_000 + 5,
}

const batches: Target = {
  name: 'revocation_batch',
  form: 'lines',
  seeds: [JSON.stringify(batch), JSON.stringify(harmless)].map(
    (payload) => `{"alg":"EdDSA","kid":"k1","typ":"revocations+jwt"}\n${payload}`,
  ),
  sources: source('revocation/batch', 'revocation/revocation_map'),
  async check(input) {
    const ours = await read(() => verifyBatch(signedLines(input), { keys, issuer, organization: org }))
    if (ours.refused !== undefined) return ours.refused
    const { after, to, head: most, facts, when_stale, lease_ms } = ours.value
    assert.ok(after <= to && to <= most)
    assert.deepEqual(
      facts.map(({ seq }) => seq),
      facts.map(({ seq }) => seq).toSorted((a, b) => a - b),
    )
    assert.ok(facts.every(({ seq }) => seq > after && seq <= to))
    if (when_stale !== undefined) assert.ok(lease_ms !== undefined)
    return `accepted ${facts.length > 0} ${when_stale}`
  },
}

const lease: Target = {
  name: 'revocation_lease',
  form: 'lines',
  seeds: [
    [batch, harmless].map((each) => JSON.stringify(each)).join('\n'),
    [batch, { ...batch, incarnation: 2, to: 1, head: 1, facts: [fact(1, person)] }]
      .map((each) => JSON.stringify(each))
      .join('\n'),
  ],
  sources: source('revocation/batch', 'revocation/lease'),
  maxBytes: 8_192,
  async check(input) {
    const state = new FeedState({ issuer, organization: org, resource: audience, leaseMs: 60_000 })
    const ended = new Map<string, number>()
    const outcomes: string[] = []
    for (const [place, line] of textOf(input).split('\n').slice(0, 12).entries()) {
      const verified = await read(() =>
        verifyBatch(compactOf(signer, '{"alg":"EdDSA","kid":"k1","typ":"revocations+jwt"}', line), { keys, issuer }),
      )
      if (verified.refused !== undefined) continue
      const before = { until: state.freshUntil(), incarnation: state.incarnation, head: state.head }
      const received = readNow(() => take(state, verified.value, place * 1_000))
      outcomes.push(received.refused ?? received.value)
      if (received.refused === undefined) {
        for (const { id, epoch } of verified.value.facts) ended.set(id, Math.max(epoch, ended.get(id) ?? 0))
      }
      assert.ok(
        state.freshUntil() >= before.until && state.freshUntil() <= place * 1_000 + 60_000,
        'fresh for longer than any lease',
      )
      assert.ok(state.incarnation >= before.incarnation)
      if (state.incarnation === before.incarnation) assert.ok(state.head >= before.head)
      assert.ok(state.cursor <= state.head)
      for (const [id, epoch] of ended) assert.equal(state.map.deadBy([[id, epoch - 1]]), id, 'alive again')
    }
    return outcomes.slice(0, 4).join()
  },
}

function take(state: FeedState, found: Batch, at: number): string {
  if (found.nonce !== undefined) state.calibrate({ sentAtMonotonicMs: at - 10, nonce: found.nonce, batch: found })
  return state.receive(found, at)
}

export const records: readonly Target[] = [statementTarget, chain, head, leaf, batches, lease]
