// Readers of what is signed for one call: keys, tokens, assertions, proofs.

import { strict as assert } from 'node:assert'
import {
  base64url,
  hashText,
  importPublicKey,
  importSigningKey,
  isJsonObject,
  type JsonObject,
  parseJson,
  thumbprint,
  verifyAccessToken,
  verifyClientAssertion,
  verifyDpopProof,
} from '@credence/protocol'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, EmbeddedJWK, importJWK, jwtVerify } from 'jose'
import { readJws, readSignedBytes, verifyJws } from '../../../packages/protocol/src/jws.ts'
import { read, readNow, sameJson, type Target, textOf } from '../target.ts'
import { compactOf, testKey, wrap } from './keys.ts'
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
  jti: tokenId,
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

export const tokens: readonly Target[] = [
  jwsReader,
  jwsSigned,
  jwk,
  signingKey,
  accessToken,
  clientAssertion,
  dpopProof,
]
