// The whole life of agents, with every kind of secret and every way to use it, and then each secret in every wrong place.

import { createDpopProof, generateSigningKey, joinChain, newId } from '@credence/protocol'
import { call, type TestOrganization } from '../authority.ts'
import { type Agent, accessTokenType, castOf, claimsIn, delegationType, exchangeGrant, post, seconds } from '../cast.ts'
import { sendRaw } from './raw.ts'

const docs = 'https://docs.example/'
const mail = 'https://mail.example/'

/** Registers, issues in every way, hands on, exchanges, revokes and rotates. */
export async function live(acme: TestOrganization): Promise<void> {
  const cast = castOf(acme)
  const everything = [docs, mail].map((resource) => ({ resource, scope: resource === docs ? 'docs:*' : 'mail:*' }))
  const may = {
    capabilities: ['docs:*', 'mail:*'],
    permissions: everything,
    credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'] },
  }
  const ada = await cast.person('Ada', everything)
  const [planner, worker, operator] = [
    await cast.agent('planner', ada, may),
    await cast.agent('worker', ada, may),
    await cast.agent('operator', ada, may),
  ]
  await cast.resource(docs, ['docs:read'], { operator: operator.id, proof_mode: 'optional' })
  await cast.resource(mail, ['mail:send'], { operator: operator.id, proof_mode: 'optional' })
  await acme.api('post', '/v1/administrators', { name: 'Second' })
  const instance = await cast.instanceOf(worker)

  // Tokens by each way to authenticate, bound and not.
  const tokens = [
    await cast.token(worker, docs),
    await cast.token(instance, docs),
    (await cast.ask(worker, { grant_type: 'client_credentials', resource: docs }, { bearer: true })).body.access_token,
  ]
  for (const kind of ['client_secret', 'api_key']) {
    const body = { kind, scope: ['docs:read'] }
    const { secret } = (await acme.api('post', `/v1/agents/${worker.id}/credentials`, body)).body
    const basic = { authorization: `Basic ${btoa(`${encodeURIComponent(worker.clientId)}:${secret}`)}` }
    const form = new URLSearchParams({ grant_type: 'client_credentials', resource: docs })
    if (kind === 'api_key') await post(`${acme.issuer}/token`, form, { authorization: `Bearer ${secret}` })
    else {
      await post(`${acme.issuer}/token`, form, basic)
      form.set('client_id', worker.clientId)
      form.set('client_secret', secret)
      await post(`${acme.issuer}/token`, form)
    }
    const wrong = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'E' : 'A'}`
    await post(`${acme.issuer}/token`, form, { authorization: `Bearer ${wrong}` })
  }

  // Handed over, handed on, drawn from by each grant.
  const root = await cast.delegate(
    { iss: ada.id, key: ada.key },
    {
      delegate: planner.clientId,
      aud: [docs],
      onward: [mail],
      scope: 'docs:read mail:send',
      exp: seconds() + 600,
      max_depth: 2,
    },
  )
  const below = await cast.delegate(
    { iss: planner.clientId, sub: ada.id, key: planner.key },
    {
      delegate: worker.clientId,
      aud: [docs],
      scope: 'docs:read',
      exp: seconds() + 500,
      max_depth: 0,
      ...(await parentHash(root)),
    },
    root,
  )
  const subject = (await cast.exchange(planner, root, docs)).body.access_token
  tokens.push(subject, (await cast.exchange(worker, below, docs)).body.access_token)
  const attested = { delegator: ada.id, delegate: worker.clientId, aud: [docs], scope: 'docs:read' }
  const { chain } = (await acme.api('post', '/v1/delegations', attested)).body
  tokens.push((await cast.exchange(worker, chain, docs)).body.access_token)
  const asToken = { grant_type: exchangeGrant, subject_token: subject, subject_token_type: accessTokenType }
  await cast.ask(operator, { ...asToken, resource: mail })
  await cast.ask(worker, {
    ...asToken,
    actor_token: await cast.token(worker, docs),
    actor_token_type: accessTokenType,
    resource: docs,
  })
  await cast.ask(worker, {
    ...asToken,
    subject_token: joinChain(root),
    subject_token_type: delegationType,
    resource: mail,
  })

  // Asked about, used at the authority's own API, ended.
  const { secret: rotated } = (
    await acme.api('post', `/v1/agents/${operator.id}/credentials`, { kind: 'client_secret' })
  ).body
  for (const token of tokens.filter(Boolean)) {
    await cast.introspect(operator, token)
    await withToken(acme, operator, await cast.token(operator, `${acme.issuer}/v1`, { scope: 'feed:read' }), token)
  }
  const client = { client_id: operator.clientId, client_secret: rotated }
  await post(`${acme.issuer}/revoke`, new URLSearchParams({ ...client, token: tokens[0] ?? '' }))
  await acme.api('post', '/v1/revocations', { id: claimsIn(tokens[1] ?? '').jti, cause: 'stolen', note: 'Was seen.' })
  await acme.api('post', '/v1/signing-keys')
  const [key] = (await acme.api('get', '/v1/signing-keys')).body.items
  await acme.api('post', `/v1/signing-keys/${key.id}/revoke`, {})
  await acme.api('post', `/v1/agents/${planner.id}/suspend`, {})
  await cast.exchange(planner, root, docs)
  await acme.api('get', '/v1/audit/records?limit=500')
}

async function parentHash(chain: string[]): Promise<{ par_hash: string }> {
  const { readStatement } = await import('@credence/protocol')
  return { par_hash: (await readStatement(chain.at(-1) ?? '')).hash }
}

async function withToken(acme: TestOrganization, agent: Agent, token: string, other: string): Promise<void> {
  const url = `${acme.issuer}/v1/resources`
  const now = seconds()
  const dpop = async (accessToken: string) => createDpopProof(agent.key, { method: 'GET', url, now, accessToken })
  await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop: await dpop(token) } })
  // Of another resource; as Bearer; with somebody else's proof; without one.
  await fetch(url, { headers: { authorization: `DPoP ${other}`, dpop: await dpop(other) } })
  await fetch(url, { headers: { authorization: `Bearer ${token}`, dpop: await dpop(token) } })
  const stranger = await generateSigningKey('ES256')
  const theirs = await createDpopProof(stranger, { method: 'GET', url, now, accessToken: token })
  await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop: theirs } })
  await fetch(url, { headers: { authorization: `DPoP ${token}` } })
}

/** Each of these texts wherever somebody may put it by mistake. */
export async function misplace(acme: TestOrganization, port: number, texts: readonly string[]): Promise<void> {
  const { pathname } = new URL(acme.issuer)
  const origin = new URL(acme.issuer).origin
  const json = { 'content-type': 'application/json' }
  const admin = { authorization: `Bearer ${acme.administratorSecret}` }
  for (const text of texts) {
    const escaped = encodeURIComponent(text)
    const get = async (url: string, headers: Record<string, string> = {}) => (await fetch(url, { headers })).text()
    const send = (path: string, body: string, headers: Record<string, string>, method = 'POST') =>
      fetch(`${acme.issuer}${path}`, { method, body, headers }).then((response) => response.text())
    for (const path of ['/v1/people', '/v1/agents', '/revocations', '/v1/audit/records', '/jwks', '/nothing']) {
      await get(`${acme.issuer}${path}?access_token=${escaped}`, admin)
      await get(`${acme.issuer}${path}?cursor=${escaped}&after=${escaped}&limit=${escaped}`, admin)
      await get(`${acme.issuer}${path}/${escaped}`, admin)
      await get(`${acme.issuer}${path}`, { authorization: `Bearer ${text}` })
      await get(`${acme.issuer}${path}`, { authorization: `DPoP ${text}`, dpop: text })
    }
    await get(`${origin}/o/${escaped}/jwks`)
    await get(`${origin}/v1/organizations`, { authorization: `Bearer ${text}` })
    await get(`${origin}/${escaped}?${escaped}=${escaped}`)
    const everywhere = Object.fromEntries(
      [
        'cookie',
        'user-agent',
        'referer',
        'x-api-key',
        'x-forwarded-for',
        'traceparent',
        'tracestate',
        'baggage',
        'x-request-id',
        'accept',
        'range',
        'if-none-match',
      ].map((name) => [name, text]),
    )
    await get(`${acme.issuer}/v1/agents`, { ...everywhere, ...admin })
    await send('/v1/people', '{}', { ...admin, 'content-type': text })
    await send('/v1/people', '{}', { ...admin, ...json, 'content-encoding': text })
    await send('/v1/people', '{}', { ...admin, ...json, origin: text })
    for (const body of [
      `{"name":"x","${text}":1}`,
      `{"name":"x","secret":"${text}"}`,
      `{"name":["${text}"]}`,
      `{"name":"${text}`,
      `${text}{"name":"x"}`,
      `{"name":"x","name":"${text}"}`,
      `{"name":"\u0000${text}"}`,
      `{"id":"${text}","cause":"x"}`,
      `{"id":"x","cause":"${text}"}`,
      `{"statements":["${text}"]}`,
      `{"delegator":"${text}","delegate":"${text}","aud":["https://docs.example/"],"scope":"docs:read"}`,
      `{"jwk":{"kty":"EC","d":"${text}","kid":"${text}"}}`,
      `{"handle":"${text}","owner":"${text}","purpose":"x"}`,
    ]) {
      for (const path of [
        '/v1/people',
        '/v1/revocations',
        '/v1/delegations',
        '/v1/agents',
        '/v1/revocations/restore',
      ]) {
        await send(path, body, { ...admin, ...json })
      }
      await send(`/v1/agents/worker/instances`, body, { ...admin, ...json })
      await send(`/v1/agents/${escaped}`, body, { ...admin, ...json }, 'PATCH')
    }
    const fields = [
      'grant_type',
      'resource',
      'audience',
      'scope',
      'task',
      'session',
      'subject_token',
      'subject_token_type',
      'actor_token',
      'requested_token_type',
      'client_id',
      'client_secret',
      'client_assertion',
      'client_assertion_type',
      'token',
      'token_type_hint',
    ]
    const proper = { grant_type: 'client_credentials', resource: 'https://docs.example/' }
    for (const path of ['/token', '/introspect', '/revoke']) {
      for (const field of fields) await post(`${acme.issuer}${path}`, new URLSearchParams({ ...proper, [field]: text }))
      await post(`${acme.issuer}${path}?client_secret=${escaped}`, new URLSearchParams({ ...proper, token: text }))
      await post(`${acme.issuer}${path}`, new URLSearchParams(proper), {
        authorization: `Basic ${btoa(`${text}:${text}`)}`,
      })
      await post(`${acme.issuer}${path}`, new URLSearchParams(proper), { authorization: `Bearer ${text}` })
    }
    for (const raw of [
      `GET ${pathname}/v1/agents HTTP/1.1\r\nHost: ${text}\r\nConnection: close\r\n\r\n`,
      `${text} / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      `GET /${text}\0 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: localhost\r\n${text}\r\n\r\n`,
      `GET / HTTP/${text}\r\nHost: localhost\r\n\r\n`,
      `POST ${pathname}/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text}\r\n\r\n`,
    ]) {
      await sendRaw(port, raw)
    }
    await call(acme.administratorSecret, 'post', `${acme.issuer}/v1/revocations`, { id: newId('tok'), cause: 'test' })
  }
}
