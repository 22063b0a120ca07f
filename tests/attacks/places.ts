// Every place that takes something signed or secret, which things it takes, and what it says to all others. A new one is a row here, and is
// offered everything at once.

import { importPublicKey, isRefusal, type JsonObject, verifyBatch, verifyLogHead } from '@credence/protocol'
import { call } from '../authority.ts'
import { claimsIn, delegationType, exchangeGrant, post } from '../cast.ts'
import { atOwnApi, atVerifier, type Outcome, outcomeOf } from './doors.ts'
import { acting, api, assertionType, itself, onBehalf, postAs, type Stage } from './stage.ts'
import { kept, proofTokens } from './things.ts'

export type Place = {
  name: string
  /** The names of the things it is for. */
  takes: readonly string[]
  offer(stage: Stage, text: string): Promise<Outcome>
  /** Its code for anything else. `form`: the `typ` of what is signed, `chain`, or `word`. */
  says(form: string, name: string, text: string): string
  /** All that comes of what is refused. */
  leaves: readonly string[]
  /** It ends what it takes. */
  consumes?: true
  /** What reads it is what reads the place above: a part of all that is wrong must do. */
  alike?: true
  /** What it refuses it answers with 200, as its standard wants. */
  silent?: true
}

const token = (...which: string[]) => which.map((one) => `an access token, ${one}`)
const bearer = token('its own, bearer', 'delegated, bearer', 'taken over by an actor')
const bound = [...token('its own, bound', 'delegated, bound')]
const delegated = token('delegated, bearer', 'delegated, bound')
const [ofFiles, ofOwn] = token('on behalf of the caller', 'for the authority’s own API') as [string, string]
const actors = 'the actor’s own access token'
const foreign = 'an access token of another organization'
const roots = ['a statement by a person’s key', 'a statement attested by the authority']
const assertions = ['a client assertion', 'a client assertion that says JWT']
const administrator = 'an administrator’s secret'

const refusedClient = ['used assertion', 'record token.refused']
const tokenRequest = (stage: Stage, parameters: Record<string, string>, headers: Record<string, string> = {}) =>
  post(`${stage.acme.issuer}/token`, new URLSearchParams({ ...itself, ...parameters }), headers).then((answer) =>
    outcomeOf(answer),
  )

/** Two of the tokens are not for this audience, and one is of another issuer. */
const otherwiseToken = (form: string, name: string, audience: string, unreadable = 'token_malformed') => {
  if (form === 'at+jwt') return name === foreign ? 'issuer_untrusted' : audience
  return form === 'chain' || form === 'word' ? unreadable : 'type_mismatch'
}

const inHeader = /^[A-Za-z0-9._~+/-]+=*$/

const atResource: Place[] = [
  {
    name: 'Authorization: Bearer at a resource',
    takes: bearer,
    offer: (stage, text) => atVerifier(stage, { authorization: `Bearer ${text}` }),
    says(form, name, text) {
      if ([...bound, actors].includes(name)) return 'proof_missing'
      return inHeader.test(text) ? otherwiseToken(form, name, 'audience_mismatch') : 'malformed'
    },
    leaves: [],
  },
  {
    name: 'DPoP at a resource',
    takes: ['a proof for a call of a resource'],
    async offer(stage, dpop) {
      return atVerifier(stage, { authorization: `DPoP ${await kept(stage, proofTokens.api)}`, dpop })
    },
    says(_form, name) {
      return name.startsWith('a proof for') ? 'proof_method_mismatch' : 'proof_invalid'
    },
    leaves: [],
  },
]

const atOauth: Place[] = [
  {
    name: '`token` of an introspection',
    takes: [...bearer, ...bound, ofFiles, actors],
    async offer(stage, text) {
      const answer = await postAs(stage, stage.operator, '/introspect', { token: text })
      const inactive = JSON.stringify(answer.body) === '{"active":false}'
      return { ...outcomeOf(answer, !inactive), ...(inactive && { code: 'inactive' }) }
    },
    says: () => 'inactive',
    leaves: ['used assertion'],
    silent: true,
  },
  {
    name: '`token` of a revocation, by who holds most of them',
    takes: token(
      'its own, bearer',
      'its own, bound',
      'delegated, bearer',
      'delegated, bound',
      'for the authority’s own API',
    ),
    async offer(stage, text) {
      // How many ends there have been, as the feed says.
      const count = async () => claimsIn((await stage.acme.api('get', '/revocations?limit=1')).body).head as number
      const before = await count()
      const answer = await postAs(stage, stage.agent, '/revoke', { token: text })
      return { ...outcomeOf(answer, (await count()) > before), code: 'nothing' }
    },
    says: () => 'nothing',
    leaves: ['used assertion'],
    consumes: true,
    silent: true,
  },
  {
    name: '`subject_token`, an access token, by an operator',
    takes: [...delegated, ...token('taken over by an actor')],
    offer: async (stage, text) => outcomeOf(await postAs(stage, stage.operator, '/token', onBehalf(text))),
    // Nobody’s authority can be gone on with but a caller’s, and from the last resource nothing leads on.
    says: (_form, name) =>
      [...bearer, ...bound, actors, ofFiles].includes(name) ? 'onward_not_granted' : 'subject_token_invalid',
    leaves: refusedClient,
  },
  {
    name: '`subject_token`, an access token, by an actor',
    takes: delegated,
    async offer(stage, text) {
      return outcomeOf(await postAs(stage, stage.actor, '/token', acting(text, await kept(stage, actors))))
    },
    says(_form, name) {
      if ([...bearer, ...bound, actors].includes(name)) return 'actor_not_named'
      return [ofFiles, ofOwn].includes(name) ? 'resource_unknown' : 'subject_token_invalid'
    },
    leaves: refusedClient,
  },
  {
    name: '`actor_token`',
    takes: [actors],
    async offer(stage, text) {
      return outcomeOf(
        await postAs(stage, stage.actor, '/token', acting(await kept(stage, delegated[0] as string), text)),
      )
    },
    says: () => 'actor_token_invalid',
    leaves: refusedClient,
  },
  ...[delegationType, 'urn:ietf:params:oauth:token-type:jwt'].map(
    (type): Place => ({
      name: `\`subject_token\` of type ${type.split(':').at(-1)}`,
      takes: roots,
      async offer(stage, text) {
        const parameters = { grant_type: exchangeGrant, subject_token: text, subject_token_type: type, resource: api }
        return outcomeOf(await postAs(stage, stage.agent, '/token', parameters))
      },
      says: saysOfStatements('holder_binding_failed'),
      leaves: refusedClient,
      ...(type !== delegationType && { alike: true }),
    }),
  ),
  {
    name: '`subject_token` of type delegation, by the actor',
    takes: ['a chain'],
    async offer(stage, text) {
      const parameters = {
        grant_type: exchangeGrant,
        subject_token: text,
        subject_token_type: delegationType,
        resource: api,
      }
      return outcomeOf(await postAs(stage, stage.actor, '/token', parameters))
    },
    says: (form, name, text) =>
      roots.includes(name) ? 'holder_binding_failed' : saysOfStatements('malformed')(form, name, text),
    leaves: refusedClient,
  },
  {
    name: '`subject_token` of any other type',
    takes: [],
    async offer(stage, text) {
      const type = 'urn:ietf:params:oauth:token-type:id_token'
      const parameters = { grant_type: exchangeGrant, subject_token: text, subject_token_type: type, resource: api }
      return outcomeOf(await postAs(stage, stage.agent, '/token', parameters))
    },
    says: () => 'subject_token_type_unsupported',
    leaves: refusedClient,
  },
  ...['/token', '/introspect', '/revoke'].map(
    (path): Place => ({
      name: `\`client_assertion\` at ${path}`,
      takes: assertions,
      async offer({ acme }, text) {
        const form = { client_assertion: text, client_assertion_type: assertionType, ...itself, token: 'x' }
        return outcomeOf(await post(`${acme.issuer}${path}`, new URLSearchParams(form)))
      },
      says: (_form, name) =>
        name.startsWith('a client assertion') ? 'client_authentication_failed' : 'assertion_invalid',
      leaves: [],
      ...(path !== '/token' && { alike: true }),
    }),
  ),
  {
    name: '`client_secret`',
    takes: ['a client secret'],
    offer: (stage, client_secret) => tokenRequest(stage, { client_id: stage.agent.clientId, client_secret }),
    says: (_form, _name, text) => (text.length > 256 ? 'invalid_request' : 'client_authentication_failed'),
    leaves: [],
  },
  {
    name: 'the password of HTTP Basic',
    takes: ['a client secret'],
    offer(stage, text) {
      const pair = [stage.agent.clientId, text].map(encodeURIComponent).join(':')
      return tokenRequest(stage, {}, { authorization: `Basic ${btoa(pair)}` })
    },
    says: () => 'client_authentication_failed',
    leaves: [],
  },
  {
    name: 'Authorization: Bearer at /token',
    takes: ['an API key'],
    offer: (stage, text) => tokenRequest(stage, {}, { authorization: `Bearer ${text}` }),
    says: () => 'client_authentication_failed',
    leaves: [],
  },
  {
    name: 'DPoP at /token',
    takes: ['a proof for a token request'],
    offer: async (stage, dpop) => outcomeOf(await postAs(stage, stage.agent, '/token', itself, { dpop })),
    says(_form, name) {
      if (name === 'a proof for the authority’s own API') return 'proof_target_mismatch'
      return name.startsWith('a proof for') ? 'proof_method_mismatch' : 'proof_invalid'
    },
    leaves: refusedClient,
  },
]

function saysOfStatements(otherChain: string): Place['says'] {
  return (form, name) => {
    if (name === 'a person’s statement by the organization’s key') return 'delegator_unknown'
    if (name === 'an attestation by a person’s key') return 'delegator_unknown'
    // A link whose chain is not with it.
    if (name === 'a statement by an agent’s key, alone') return 'malformed'
    if (form === 'chain') return otherChain
    return form === 'word' ? 'malformed' : 'type_mismatch'
  }
}

const list = (path: string, takes: string): Place => ({
  name: `\`cursor\` of ${path}`,
  takes: [takes],
  async offer({ acme }, text) {
    return outcomeOf(await acme.api('get', `/v1/${path}?limit=1&cursor=${encodeURIComponent(text)}`))
  },
  says: (_form, _name, text) => (text.length > 512 ? 'validation_failed' : 'cursor_invalid'),
  leaves: [],
})

const keysOf = async (issuer: string) => {
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: JsonObject[] }
  const known = await Promise.all(keys.map((jwk) => importPublicKey(jwk, jwk.kid as string)))
  return (_issuer: string, kid: string | undefined) => known.find((key) => key.kid === kid)
}

/** What whoever follows the feed, or audits the log, does with what came. */
const reader = (
  name: string,
  takes: readonly string[],
  read: (text: string, trust: { issuer: string; keys: Awaited<ReturnType<typeof keysOf>> }) => Promise<unknown>,
): Place => ({
  name,
  takes,
  async offer({ acme: { issuer } }, text) {
    try {
      await read(text, { issuer, keys: await keysOf(issuer) })
      return { taken: true, status: 200, code: undefined, text: '' }
    } catch (error) {
      if (!isRefusal(error)) throw error
      return { taken: false, status: 401, code: error.code, text: JSON.stringify(error) }
    }
  },
  says: (form) => (form === 'chain' || form === 'word' ? 'malformed' : 'type_mismatch'),
  leaves: [],
})

const atApi: Place[] = [
  {
    name: 'Authorization: Bearer of an administrator',
    takes: [administrator],
    offer: async ({ acme }, text) => outcomeOf(await call(text, 'get', `${acme.issuer}/v1/agents`)),
    says: () => 'unauthorized',
    leaves: [],
  },
  {
    name: 'Authorization: Bearer of the installation',
    takes: ['the installation’s secret'],
    offer: async ({ authority }, text) => outcomeOf(await call(text, 'get', `${authority.origin}/v1/organizations`)),
    says: () => 'unauthorized',
    leaves: [],
  },
  {
    name: 'Authorization: Bearer where agents call',
    takes: [administrator],
    offer: async ({ acme }, text) => outcomeOf(await call(text, 'get', `${acme.issuer}/revocations`)),
    says(_form, name, text) {
      if (name.endsWith('secret') && text.startsWith('credence_adm_')) return 'unauthorized'
      return /^[A-Za-z0-9._~+/=-]+$/.test(text) ? 'proof_missing' : 'token_missing'
    },
    leaves: [],
  },
  {
    name: 'Authorization: DPoP where agents call',
    takes: [ofOwn],
    offer: (stage, text) => atOwnApi(stage, text),
    says: (form, name, text) =>
      /^[A-Za-z0-9._~+/=-]+$/.test(text) ? otherwiseToken(form, name, 'audience_mismatch') : 'token_missing',
    leaves: [],
  },
  {
    name: 'DPoP where agents call',
    takes: ['a proof for the authority’s own API'],
    offer: async (stage, dpop) => atOwnApi(stage, await kept(stage, proofTokens.own), dpop),
    says(_form, name) {
      if (name === 'a proof for a token request') return 'proof_target_mismatch'
      return name.startsWith('a proof for') ? 'proof_method_mismatch' : 'proof_invalid'
    },
    leaves: [],
  },
  {
    name: 'the registration of statements',
    takes: roots,
    offer: async ({ acme }, text) => outcomeOf(await acme.api('post', '/v1/delegations', { statements: [text] })),
    says: saysOfStatements('malformed'),
    leaves: [],
  },
  {
    name: 'a statement by its hash',
    takes: ['the hash of a statement'],
    offer: async ({ acme }, text) =>
      outcomeOf(await call(undefined, 'get', `${acme.issuer}/statements/${encodeURIComponent(text)}`)),
    says: () => 'not_found',
    leaves: [],
  },
  {
    name: 'a delegation by its id',
    takes: ['the id of a delegation'],
    offer: async ({ acme }, text) => outcomeOf(await acme.api('get', `/v1/delegations/${encodeURIComponent(text)}`)),
    says: () => 'not_found',
    leaves: [],
  },
  list('agents', 'a cursor of agents'),
  list('delegations', 'a cursor of delegations'),
  reader('the feed', ['a batch of revocations', 'a batch of revocations with a lease'], verifyBatch),
  reader('the audit of the log', ['the head of the audit log'], verifyLogHead),
]

export const places: readonly Place[] = [...atResource, ...atOauth, ...atApi]
