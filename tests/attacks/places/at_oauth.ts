// Where the OAuth endpoints of the authority take what they are sent.

import { claimsIn, delegationType, exchangeGrant, post } from '../../cast.ts'
import { outcomeOf } from '../doors.ts'
import { acting, api, assertionType, itself, onBehalf, postAs, type Stage } from '../stage.ts'
import { kept } from '../things.ts'
import {
  actors,
  assertions,
  bearer,
  bound,
  delegated,
  ofFiles,
  ofOwn,
  type Place,
  refusedClient,
  roots,
  saysOfStatements,
  token,
} from './place.ts'

const tokenRequest = (stage: Stage, parameters: Record<string, string>, headers: Record<string, string> = {}) =>
  post(`${stage.acme.issuer}/token`, new URLSearchParams({ ...itself, ...parameters }), headers).then((answer) =>
    outcomeOf(answer),
  )

export const atOauth: Place[] = [
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
