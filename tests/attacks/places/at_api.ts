// Where the API takes what it is sent, and what reads the documents that the authority signs.

import { importPublicKey, isRefusal, type JsonObject, verifyBatch, verifyLogHead } from '@credence/protocol'
import { call } from '../../authority.ts'
import { atOwnApi, outcomeOf } from '../doors.ts'
import { kept, proofTokens } from '../things.ts'
import { administrator, ofOwn, otherwiseToken, type Place, roots, saysOfStatements } from './place.ts'

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

export const atApi: Place[] = [
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
