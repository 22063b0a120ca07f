// Every place that takes something signed, and what it says to each flaw.

import {
  createDpopProof,
  joinChain,
  newStatement,
  type RefusalCode,
  type SigningKey,
  signClientAssertion,
  signStatement,
} from '@credence/protocol'
import type { Answer } from '../authority.ts'
import { delegationType, exchangeGrant, post, seconds } from '../cast.ts'
import {
  acting,
  api,
  assertionType,
  itself,
  onBehalf,
  postAs,
  rootWords,
  type Stage,
  type TokenName,
  tokensOf,
} from './stage.ts'

export type Outcome = { taken: boolean; status: number; code: string | undefined; text: string }

/** What was honestly made for a door, and the key that made it: what is forged with that key lacks nothing but what was forged. */
export type Honest = { compact: string; key: SigningKey }

export type Door = {
  name: string
  kind: 'access token' | 'assertion' | 'proof' | 'statement'
  make(stage: Stage): Promise<Honest>
  offer(stage: Stage, compact: string): Promise<Outcome>
  /** Its word for what the protocol calls this flaw. */
  says(flaw: RefusalCode, compact: string): string
  /** All that comes of what is refused here. */
  leaves: string[]
  /** Where the answer does not tell: what comes of that which is taken. */
  takes?: string
}

export function outcomeOf({ status, body, headers }: Answer, taken = status < 300): Outcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    taken,
    status,
    code: body?.error_code ?? body?.code,
    text: `${text} ${headers.get('www-authenticate') ?? ''}`,
  }
}

/** RFC 6750 §3.1: whatever is wrong with its form, to whom a token is shown it is an invalid token. */
const forms: readonly string[] = [
  'malformed',
  'duplicate_member',
  'non_finite',
  'too_deep',
  'too_large',
  'non_canonical',
]
const asToken = (flaw: RefusalCode) => (forms.includes(flaw) ? 'token_malformed' : flaw)
/** RFC 9110 §11.2: what cannot be a credential in a header is not even read as one. */
const inHeader = (otherwise: string) => (flaw: RefusalCode, compact: string) =>
  /^[A-Za-z0-9._~+/-]+=*$/.test(compact) ? asToken(flaw) : otherwise
const asProof = (flaw: RefusalCode) => (flaw.startsWith('proof_') ? flaw : 'proof_invalid')
const asAssertion = (flaw: RefusalCode) =>
  flaw.startsWith('assertion_')
    ? flaw
    : [...forms, 'critical_unsupported', 'type_mismatch', 'claims_invalid'].includes(flaw)
      ? 'assertion_invalid'
      : 'client_authentication_failed'

const refusedClient = ['used assertion', 'record token.refused']

const forApi = async (stage: Stage): Promise<Honest> => ({
  compact: await tokensOf(stage)['delegated, bearer'](),
  key: stage.authorityKey,
})

/** A verdict of the SDK as an outcome. */
export async function atVerifier({ verifier }: Stage, fields: Record<string, string>): Promise<Outcome> {
  const verdict = await verifier.verify({ method: 'GET', url: `${api}x`, headers: new Headers(fields) })
  if (verdict.ok) return { taken: true, status: 200, code: undefined, text: '' }
  const response = verdict.response()
  const text = `${await response.text()} ${response.headers.get('www-authenticate') ?? ''}`
  return { taken: false, status: response.status, code: verdict.refusal.code, text }
}

/** A call of the authority's own API with a token and a proof, which nothing is wrong with unless it is given. */
export async function atOwnApi(stage: Stage, token: string, proof?: string): Promise<Outcome> {
  const { acme, agent } = stage
  const url = `${acme.issuer}/v1/delegations`
  const own = () => createDpopProof(agent.key, { method: 'POST', url, now: seconds(), accessToken: token })
  const headers = { authorization: `DPoP ${token}`, dpop: proof ?? (await own()), 'content-type': 'application/json' }
  // Whoever comes in is told that this is no request.
  const response = await fetch(url, { method: 'POST', headers, body: '{"statements":["x"]}' })
  const text = await response.text()
  const body = text.startsWith('{') ? JSON.parse(text) : text
  return outcomeOf({ status: response.status, body, headers: response.headers }, body.code === 'malformed')
}

export const doors: readonly Door[] = [
  {
    name: 'the verifier of a resource',
    kind: 'access token',
    make: forApi,
    offer: (stage, compact) => atVerifier(stage, { authorization: `Bearer ${compact}` }),
    says: inHeader('malformed'),
    leaves: [],
  },
  {
    name: 'introspection',
    kind: 'access token',
    make: forApi,
    async offer(stage, token) {
      const answer = await postAs(stage, stage.operator, '/introspect', { token })
      // RFC 7662 §2.2: that it is not active is all that is said.
      const inactive = JSON.stringify(answer.body) === '{"active":false}'
      return inactive ? { ...outcomeOf(answer, false), code: 'inactive' } : outcomeOf(answer)
    },
    says: () => 'inactive',
    leaves: ['used assertion'],
  },
  {
    name: 'revocation by a client',
    kind: 'access token',
    make: forApi,
    async offer(stage, token) {
      const answer = await postAs(stage, stage.agent, '/revoke', { token })
      // RFC 7009 §2.2: a token that is not valid is answered like one that was.
      return answer.status === 200 ? { ...outcomeOf(answer, false), code: 'nothing' } : outcomeOf(answer)
    },
    says: () => 'nothing',
    leaves: ['used assertion'],
    takes: 'record revocation.made',
  },
  {
    name: 'an exchange, as subject token',
    kind: 'access token',
    make: forApi,
    offer: async (stage, compact) => outcomeOf(await postAs(stage, stage.operator, '/token', onBehalf(compact))),
    says: () => 'subject_token_invalid',
    leaves: refusedClient,
  },
  {
    name: 'an exchange, as actor token',
    kind: 'access token',
    make: async (stage) => ({ compact: await stage.cast.token(stage.actor, api), key: stage.authorityKey }),
    async offer(stage, compact) {
      const subject = await once(stage, 'delegated, bearer')
      return outcomeOf(await postAs(stage, stage.actor, '/token', acting(subject, compact)))
    },
    says: () => 'actor_token_invalid',
    leaves: refusedClient,
  },
  {
    name: 'the authority’s own API',
    kind: 'access token',
    make: async (stage) => ({
      compact: await tokensOf(stage)['for the authority’s own API'](),
      key: stage.authorityKey,
    }),
    offer: (stage, compact) => atOwnApi(stage, compact),
    says: inHeader('token_missing'),
    leaves: [],
  },
  ...['/token', '/introspect', '/revoke'].map(
    (path): Door => ({
      name: `client authentication at ${path}`,
      kind: 'assertion',
      async make({ agent: { key, clientId }, acme: { issuer } }) {
        return { compact: await signClientAssertion(key, { clientId, issuer, now: seconds() }), key }
      },
      async offer({ acme }, client_assertion) {
        const what = path === '/token' ? itself : { token: 'x' }
        const form = new URLSearchParams({ client_assertion, client_assertion_type: assertionType, ...what })
        return outcomeOf(await post(`${acme.issuer}${path}`, form))
      },
      says: asAssertion,
      leaves: [],
    }),
  ),
  {
    name: 'the proof of a token request',
    kind: 'proof',
    async make({ agent: { key }, acme: { issuer } }) {
      return { compact: await createDpopProof(key, { method: 'POST', url: `${issuer}/token`, now: seconds() }), key }
    },
    offer: async (stage, dpop) => outcomeOf(await postAs(stage, stage.agent, '/token', itself, { dpop })),
    says: asProof,
    leaves: refusedClient,
  },
  {
    name: 'the proof of a call of the authority’s own API',
    kind: 'proof',
    async make(stage) {
      const accessToken = await ownToken(stage)
      const url = `${stage.acme.issuer}/v1/delegations`
      const { key } = stage.agent
      return { compact: await createDpopProof(key, { method: 'POST', url, now: seconds(), accessToken }), key }
    },
    offer: async (stage, proof) => atOwnApi(stage, await ownToken(stage), proof),
    says: asProof,
    leaves: [],
  },
  {
    name: 'the proof of a call of a resource',
    kind: 'proof',
    async make(stage) {
      const { key } = stage.agent
      const of = { method: 'GET', url: `${api}x`, now: seconds(), nonce: stage.nonce }
      return { compact: await createDpopProof(key, { ...of, accessToken: await boundToken(stage) }), key }
    },
    offer: async (stage, dpop) => atVerifier(stage, { authorization: `DPoP ${await boundToken(stage)}`, dpop }),
    says: asProof,
    leaves: [],
  },
  {
    name: 'an exchange, as delegation',
    kind: 'statement',
    make: newRoot,
    async offer(stage, compact) {
      const exchange = {
        grant_type: exchangeGrant,
        subject_token: joinChain([compact]),
        subject_token_type: delegationType,
      }
      return outcomeOf(await postAs(stage, stage.agent, '/token', { ...exchange, resource: api }))
    },
    says: asStatement,
    leaves: refusedClient,
  },
  {
    name: 'the registration of a delegation',
    kind: 'statement',
    make: newRoot,
    offer: async ({ acme }, compact) => outcomeOf(await acme.api('post', '/v1/delegations', { statements: [compact] })),
    says: asStatement,
    leaves: [],
  },
]

function asStatement(flaw: RefusalCode): string {
  if (flaw === 'key_unknown') return 'delegator_unknown'
  return flaw === 'algorithm_not_allowed' ? 'signature_invalid' : flaw
}

async function newRoot(stage: Stage): Promise<Honest> {
  const { key } = stage.ada
  return { compact: await signStatement(key, newStatement(rootWords(stage), seconds())), key }
}

const kept = new WeakMap<Stage, Map<string, Promise<string>>>()

function once(stage: Stage, name: TokenName): Promise<string> {
  const tokens = kept.get(stage) ?? new Map<string, Promise<string>>()
  kept.set(stage, tokens)
  const token = tokens.get(name) ?? tokensOf(stage)[name]()
  tokens.set(name, token)
  return token
}

/** Before anything is counted. */
export const prepare = (stage: Stage): Promise<unknown> =>
  Promise.all(
    (['delegated, bearer', 'for the authority’s own API', 'its own, bound'] as const).map((name) => once(stage, name)),
  )

const ownToken = (stage: Stage) => once(stage, 'for the authority’s own API')
const boundToken = (stage: Stage) => once(stage, 'its own, bound')
