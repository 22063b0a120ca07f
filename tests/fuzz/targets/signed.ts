// Readers of what is signed. Inputs are the texts inside, one to a line: what they sign is signed for real, so that everything behind the
// signature is reached.

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
  importPublicKey,
  importSigningKey,
  isId,
  isJsonObject,
  type JsonObject,
  joinChain,
  parseJson,
  parseScope,
  type Statement,
  splitChain,
  subsumes,
  thumbprint,
  verifyAccessToken,
  verifyBatch,
  verifyChain,
  verifyClientAssertion,
  verifyDpopProof,
  verifyLogHead,
} from '@credence/protocol'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, EmbeddedJWK, importJWK, jwtVerify } from 'jose'
import { readStatement } from '../../../packages/protocol/src/delegation/statement.ts'
import { readJws, readSignedBytes, verifyJws } from '../../../packages/protocol/src/jws.ts'
import { read, readNow, sameJson, type Target, textOf, valuesOf } from '../target.ts'
import { compactOf, testKey, wrap } from './keys.ts'

const issuer = 'https://id.example.com'
const audience = 'https://api.example/'
const now = 1_800_000_000
const org = `org_${'o'.repeat(21)}A`
const agentId = `agt_${'a'.repeat(21)}A`
const person = `psn_${'p'.repeat(21)}A`
const alpha = 'spiffe://acme.example.com/agent/alpha'
const beta = 'spiffe://acme.example.com/agent/beta'
const hash = `${'h'.repeat(42)}A`
const source = (...names: string[]) => names.map((name) => `packages/protocol/src/${name}.ts`)
const signer = await testKey('k1', 'EdDSA')
const keys = (_issuer: string, kid: string | undefined) => (kid === 'k1' ? signer.publicKey : undefined)

/** The first two lines as header and payload, signed. */
function signedLines(input: Uint8Array): string {
  const [header = '', payload = ''] = textOf(input).split('\n')
  return compactOf(signer, header, payload)
}

const jwsReader: Target = {
  name: 'jws_reader',
  form: 'compact',
  seeds: [
    `${wrap('{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}')}.${wrap('{"a":1}')}.${wrap('x'.repeat(64))}`,
    `${wrap('{"alg":"ES256","crit":["b64"],"b64":false}')}..AA`,
  ],
  sources: source('jws', 'json', 'base64url'),
  words: ['.', '..', '=', 'none', 'zip', 'DEF', 'e30'],
  check(input) {
    const compact = textOf(input)
    const bytes = readNow(() => readSignedBytes(compact))
    const jws = readNow(() => readJws(compact))
    if (jws.refused === undefined) assert.equal(bytes.refused, undefined)
    if (bytes.refused !== undefined) return bytes.refused
    const { header, payloadBytes, signingInput, signature } = bytes.value
    assert.equal(`${signingInput}.${base64url.encode(signature)}`, compact)
    sameJson(decodeProtectedHeader(compact), header)
    assert.deepEqual(Buffer.from(payloadBytes), Buffer.from(compact.split('.')[1] ?? '', 'base64url'))
    return jws.refused ?? 'accepted'
  },
}

const jwsSigned: Target = {
  name: 'jws_signed',
  form: 'lines',
  seeds: [
    '{"alg":"EdDSA","kid":"k1","typ":"x"}\n{"a":[1,"b"]}',
    '{"alg":"Ed25519","kid":"k1"}\n{}',
    '{"alg":"ES256","jwk":{"kty":"OKP"}}\n{"iss":"x"}\n""',
  ],
  sources: source('jws'),
  words: ['none', 'HS256', 'EdDSA', 'Ed25519', 'ES256', 'RS256'],
  async check(input) {
    const [, , altered] = textOf(input).split('\n')
    const whole = signedLines(input)
    // A third line is put in place of the signature's end.
    const compact = altered === undefined ? whole : whole.slice(0, whole.length - altered.length) + altered
    const ours = await read(async () => {
      const jws = readJws(compact)
      await verifyJws(jws, signer.publicKey)
      return jws.payload
    })
    const theirs = await compactVerify(compact, signer.publicKey.key).catch(() => undefined)
    if (ours.refused !== undefined) return ours.refused
    assert.ok(theirs, 'accepted, although jose refuses')
    sameJson(parseJson(Buffer.from(theirs.payload).toString()), ours.value)
    assert.equal(compact, whole, 'accepted with another signature')
    return 'accepted'
  },
}

const ec = await testKey('ec', 'ES256')
const rsa = `{"kty":"RSA","alg":"RS256","e":"AQAB","n":"${'x'.repeat(341)}w"}`

const jwk: Target = {
  name: 'jwk',
  form: 'json',
  seeds: [
    JSON.stringify(ec.publicJwk),
    JSON.stringify({ ...signer.publicJwk, kid: 'a', use: 'sig', key_ops: ['verify'], alg: 'Ed25519' }),
    rsa,
  ],
  sources: source('keys'),
  words: [
    'oct',
    'P-384',
    'secp256k1',
    'X25519',
    'RS256',
    'PS256',
    'AQAB',
    'AQ',
    'A'.repeat(43),
    `${'_'.repeat(42)}8`,
    'd',
  ],
  share: 0.5,
  async check(input) {
    const parsed = readNow(() => parseJson(textOf(input)))
    if (!isJsonObject(parsed.value)) return 'no object'
    const given = parsed.value
    const ours = await read(() => importPublicKey(given))
    if (ours.refused !== undefined) return ours.refused
    const { jwk: kept, kid, alg, key } = ours.value
    assert.equal(key.type, 'public')
    assert.ok(kid.length > 0 && kid.length <= 256)
    assert.deepEqual(
      Object.keys(kept).filter((name) => !['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use'].includes(name)),
      [],
    )
    const { kid: _kid, use: _use, ...members } = kept
    await importJWK(members as never, alg)
    assert.equal(await thumbprint(given), await calculateJwkThumbprint(members as never))
    sameJson((await importPublicKey(kept)).jwk, kept)
    const exported = (await crypto.subtle.exportKey('jwk', key)) as JsonObject
    for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e']) assert.equal(exported[name], kept[name], name)
    return `accepted ${alg}`
  },
}

const signingKey: Target = {
  name: 'signing_key',
  form: 'json',
  seeds: [
    JSON.stringify(await crypto.subtle.exportKey('jwk', (await ecPair()).privateKey)),
    '{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
  ],
  sources: source('keys'),
  words: ['d', 'sign', 'verify', 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'A'.repeat(43)],
  share: 0.5,
  async check(input) {
    const parsed = readNow(() => parseJson(textOf(input)))
    if (!isJsonObject(parsed.value)) return 'no object'
    const given = parsed.value
    const ours = await read(() => importSigningKey(given))
    if (ours.refused !== undefined) return ours.refused
    const { publicJwk, alg, sign } = ours.value
    assert.ok(!JSON.stringify(publicJwk).includes(String(given.d)), 'the public part holds the private one')
    const { key } = await importPublicKey(publicJwk)
    const bytes = new Uint8Array(8)
    const use =
      alg === 'ES256' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: alg === 'EdDSA' ? 'Ed25519' : 'RSASSA-PKCS1-v1_5' }
    assert.ok(
      await crypto.subtle.verify(use, key, Uint8Array.from(await sign(bytes)), bytes),
      'what it signs, its public part does not verify',
    )
    return `accepted ${alg}`
  },
}

/** The example pair of RFC 7515 appendix A.3. */
function ecPair(): Promise<{ privateKey: CryptoKey }> {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
  }
  return crypto.subtle
    .importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
    .then((privateKey) => ({ privateKey }))
}

const claims = {
  iss: issuer,
  aud: audience,
  sub: person,
  client_id: beta,
  jti: `tok_${'t'.repeat(21)}A`,
  iat: now - 10,
  exp: now + 290,
  scope: 'repo:read pr:*',
  org,
  agent: agentId,
  lineage: [
    [org, 0],
    [agentId, 2],
    [person, 0],
  ],
  cnf: { jkt: hash },
  act: { sub: beta, act: { sub: alpha } },
  delegation_chain: [{ delegator: person, delegate: alpha, exp: now + 900, evidence: 'signed', hash }],
  authorization_details: [{ type: 'agent_delegation', constraints: [{ key: 'n', max: 3 }] }],
  task: 'pr-1',
  sid: 's',
  instance: `${beta}/i`,
  max_depth: 1,
}

const accessToken: Target = {
  name: 'access_token',
  form: 'lines',
  seeds: [
    `{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}\n${JSON.stringify(claims)}`,
    `{"alg":"EdDSA","kid":"k1","typ":"application/at+jwt"}\n${JSON.stringify({ ...claims, sub: beta, act: undefined, delegation_chain: undefined, cnf: undefined })}`,
  ],
  sources: source('access_token', 'shape', 'identifiers', 'scopes'),
  maxBytes: 8_192,
  async check(input) {
    const token = signedLines(input)
    const ours = await read(() => verifyAccessToken(token, { keys, issuers: (each) => each === issuer, audience, now }))
    if (ours.refused !== undefined) return ours.refused
    const { claims: found } = ours.value
    const theirs = await jwtVerify(token, signer.publicKey.key, {
      issuer,
      audience,
      typ: 'at+jwt',
      currentDate: new Date(now * 1_000),
      clockTolerance: 5,
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
    })
    sameJson(theirs.payload, found)
    assert.ok(found.exp - found.iat <= 900 && found.exp > now - 5 && found.iat <= now + 5)
    assert.ok(found.lineage.some(([id]) => id === found.org) && found.lineage.some(([id]) => id === found.agent))
    assert.equal(found.act?.sub ?? found.sub, found.client_id)
    return `accepted ${found.act !== undefined} ${found.cnf !== undefined}`
  },
}

const clientAssertion: Target = {
  name: 'client_assertion',
  form: 'lines',
  seeds: [
    `{"alg":"EdDSA","kid":"k1","typ":"client-authentication+jwt"}\n${JSON.stringify({ iss: alpha, sub: alpha, aud: issuer, jti: 'x', iat: now, exp: now + 60 })}`,
    `{"alg":"EdDSA","kid":"k1"}\n${JSON.stringify({ iss: alpha, sub: alpha, aud: [issuer], jti: 'x', nbf: now, exp: now + 60 })}`,
  ],
  sources: source('client_assertion'),
  async check(input) {
    const assertion = signedLines(input)
    const keyOf = async (_client: string, kid: string) => keys('', kid)
    const ours = await read(() => verifyClientAssertion(assertion, { issuer, now, keyOf }))
    if (ours.refused !== undefined) return ours.refused
    const { clientId, jti, expiresAt } = ours.value
    const currentDate = new Date(now * 1_000)
    const theirs = await jwtVerify(assertion, signer.publicKey.key, {
      issuer: clientId,
      audience: issuer,
      currentDate,
      clockTolerance: 5,
    })
    assert.deepEqual([theirs.payload.sub, theirs.payload.jti, theirs.payload.exp], [clientId, jti, expiresAt])
    assert.ok(expiresAt > now - 5 && expiresAt <= now + 305 && jti.length <= 256 && clientId.length <= 2_048)
    return 'accepted'
  },
}

const ath = await hashText('the token')
const proofKeys = { EdDSA: signer, ES256: ec }

const dpopProof: Target = {
  name: 'dpop_proof',
  form: 'lines',
  seeds: [
    `${JSON.stringify({ alg: 'ES256', typ: 'dpop+jwt', jwk: ec.publicJwk })}\n${JSON.stringify({ jti: 'x', htm: 'GET', htu: 'https://api.example/a', iat: now, ath, nonce: 'n' })}`,
    `${JSON.stringify({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: signer.publicJwk })}\n${JSON.stringify({ jti: 'x', htm: 'GET', htu: 'https://API.example:443/%61?q#f', iat: now - 60, ath, exp: now + 1, nbf: now })}`,
  ],
  sources: source('dpop', 'http_target'),
  words: ['GET', 'get', 'https://api.example/a', ath],
  async check(input) {
    const [header = '', payload = ''] = textOf(input).split('\n')
    const stated = readNow(() => parseJson(header)).value
    const by = isJsonObject(stated) && stated.alg === 'ES256' ? proofKeys.ES256 : proofKeys.EdDSA
    const proof = compactOf(by, header, payload)
    const expected = { method: 'GET', url: 'https://api.example/a?b=c', now, accessToken: 'the token' }
    const ours = await read(() => verifyDpopProof(proof, expected))
    if (ours.refused !== undefined) return ours.refused
    const { jkt, jti, iat, expiresAt } = ours.value
    assert.equal(jkt, await thumbprint(by.publicJwk), 'a proof of a key that did not make it')
    const theirs = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      currentDate: new Date(now * 1_000),
      clockTolerance: 5,
    })
    assert.deepEqual(
      [theirs.payload.jti, theirs.payload.iat, theirs.payload.htm, theirs.payload.ath],
      [jti, iat, 'GET', ath],
    )
    assert.ok(iat >= now - 60 && iat <= now + 5 && expiresAt > now)
    return 'accepted'
  },
}

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
  evidence: { kind: 'attested', by: `adm_${'m'.repeat(21)}A`, how: 'consent', token: claims.jti },
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

export const targets: readonly Target[] = [
  jwsReader,
  jwsSigned,
  jwk,
  signingKey,
  accessToken,
  clientAssertion,
  dpopProof,
  statementTarget,
  chain,
  head,
  leaf,
  batches,
  lease,
]
