// Everything signed or secret that is made here, or made for us. A new one is a row here, and is offered everywhere at once.

import {
  createDpopProof,
  joinChain,
  newStatement,
  readStatement,
  type SigningKey,
  signClientAssertion,
  signJws,
  signStatement,
} from '@credence/protocol'
import { castOf, seconds } from '../cast.ts'
import { api, rootWords, type Stage, tokenNames, tokensOf } from './stage.ts'

export type Thing = {
  name: string
  make(stage: Stage): Promise<string>
  /** What works once is made for each use. */
  once?: true
  /** Nobody of ours makes it, so that there is no place for it. */
  forged?: true
}

const proofFor = (key: SigningKey, method: string, url: string, more: { accessToken?: string; nonce?: string } = {}) =>
  createDpopProof(key, { method, url, now: seconds(), ...more })

/** What the operator of the resources reads below the issuer. */
async function readAsOperator({ acme, operator, cast }: Stage, path: string): Promise<string> {
  const url = `${acme.issuer}${path}`
  const token = await cast.token(operator, `${acme.issuer}/v1`)
  const dpop = await proofFor(operator.key, 'GET', url, { accessToken: token })
  return (await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop } })).text()
}

/** The cursor after the first of a list. */
const cursorOf = async ({ acme }: Stage, list: string) =>
  (await acme.api('get', `/v1/${list}?limit=1`)).body.next_cursor as string

const accessTokens = tokenNames.map(
  (name): Thing => ({ name: `an access token, ${name}`, make: (stage) => tokensOf(stage)[name]() }),
)

const otherTokens: Thing[] = [
  { name: 'the actor’s own access token', make: ({ cast, actor }) => cast.token(actor, api) },
  {
    name: 'an access token of another organization',
    forged: true,
    async make({ other }) {
      const there = castOf(other)
      const permissions = [{ resource: api, scope: 'a:read' }]
      const agent = await there.agent(`agent-${crypto.randomUUID()}`, await there.person('Eve'), {
        permissions,
        capabilities: ['a:*'],
      })
      if ((await other.api('get', `/v1/resources?audience=${encodeURIComponent(api)}`)).body.items.length === 0)
        await there.resource(api, ['a:read'])
      return there.token(agent, api)
    },
  },
]

const statements: Thing[] = [
  {
    name: 'a statement by a person’s key',
    make: async (stage) => signStatement(stage.ada.key, newStatement(rootWords(stage), seconds())),
  },
  { name: 'a statement by an agent’s key, alone', forged: true, make: async ({ chain }) => chain[1] as string },
  {
    name: 'a statement attested by the authority',
    async make({ acme, ada, agent }) {
      const words = { delegator: ada.id, delegate: agent.clientId, aud: [api], scope: 'a:read' }
      return (await acme.api('post', '/v1/delegations', words)).body.chain[0]
    },
  },
  {
    name: 'a person’s statement by the organization’s key',
    forged: true,
    make: async (stage) => signStatement(stage.authorityKey, newStatement(rootWords(stage), seconds())),
  },
  {
    name: 'an attestation by a person’s key',
    forged: true,
    make: async (stage) => {
      const evidence = { kind: 'attested', by: stage.operator.id, how: 'administrator' } as const
      return signStatement(stage.ada.key, newStatement({ ...rootWords(stage), evidence }, seconds()))
    },
  },
  { name: 'a chain', make: async ({ chain }) => joinChain(chain) },
  { name: 'the hash of a statement', make: async ({ chain }) => (await readStatement(chain[0] as string)).hash },
  { name: 'the id of a delegation', make: async ({ chain }) => (await readStatement(chain[0] as string)).id },
]

const assertionWords = ({ agent: { clientId }, acme }: Stage) => ({
  iss: clientId,
  sub: clientId,
  aud: acme.issuer,
  jti: crypto.randomUUID(),
  iat: seconds(),
  exp: seconds() + 60,
})

const assertions: Thing[] = [
  {
    name: 'a client assertion',
    once: true,
    make: ({ agent: { key, clientId }, acme: { issuer } }) =>
      signClientAssertion(key, { clientId, issuer, now: seconds() }),
  },
  {
    name: 'a client assertion that says JWT',
    once: true,
    make: (stage) => signJws(stage.agent.key, { typ: 'JWT' }, assertionWords(stage)),
  },
  {
    name: 'a client assertion by a person’s key',
    once: true,
    forged: true,
    make: (stage) => signJws(stage.ada.key, { typ: 'JWT' }, assertionWords(stage)),
  },
  {
    name: 'a client assertion by the organization’s key',
    once: true,
    forged: true,
    make: (stage) => signJws(stage.authorityKey, { typ: 'JWT' }, assertionWords(stage)),
  },
  {
    name: 'a client assertion of a person',
    once: true,
    forged: true,
    make: ({ ada, acme: { issuer } }) => signClientAssertion(ada.key, { clientId: ada.id, issuer, now: seconds() }),
  },
]

/** Proofs name the token they go with: the stage's places offer them with these very tokens. */
export const proofTokens = {
  api: 'an access token, its own, bound',
  own: 'an access token, for the authority’s own API',
} as const

const proofs: Thing[] = [
  {
    name: 'a proof for a token request',
    once: true,
    make: ({ agent, acme }) => proofFor(agent.key, 'POST', `${acme.issuer}/token`),
  },
  {
    name: 'a proof for the authority’s own API',
    once: true,
    make: async (stage) =>
      proofFor(stage.agent.key, 'POST', `${stage.acme.issuer}/v1/delegations`, {
        accessToken: await kept(stage, proofTokens.own),
      }),
  },
  {
    name: 'a proof for a call of a resource',
    once: true,
    make: async (stage) =>
      proofFor(stage.agent.key, 'GET', `${api}x`, {
        nonce: stage.nonce,
        accessToken: await kept(stage, proofTokens.api),
      }),
  },
]

const documents: Thing[] = [
  { name: 'a batch of revocations', make: async ({ acme }) => (await acme.api('get', '/revocations')).body },
  {
    name: 'a batch of revocations with a lease',
    make: (stage) => readAsOperator(stage, `/revocations?nonce=AAAAAAAA&resource=${encodeURIComponent(api)}`),
  },
  {
    name: 'the head of the audit log',
    make: async ({ acme }) => (await acme.api('get', '/v1/audit/head')).body.signed,
  },
]

const secrets: Thing[] = [
  { name: 'a client secret', make: async ({ secret }) => secret },
  { name: 'an API key', make: async ({ apiKey }) => apiKey },
  { name: 'an administrator’s secret', make: async ({ acme }) => acme.administratorSecret },
  {
    name: 'another organization’s administrator’s secret',
    forged: true,
    make: async ({ other }) => other.administratorSecret,
  },
  { name: 'the installation’s secret', make: async ({ authority }) => authority.installationSecret },
  { name: 'a wrapping key', forged: true, make: async ({ authority }) => authority.settings.wrappingKeys },
  { name: 'a client id', forged: true, make: async ({ agent }) => agent.clientId },
  { name: 'a key id', forged: true, make: async ({ agent }) => agent.key.kid },
  { name: 'a nonce for proofs', forged: true, make: async ({ nonce }) => nonce },
  { name: 'a cursor of agents', make: (stage) => cursorOf(stage, 'agents') },
  { name: 'a cursor of delegations', make: (stage) => cursorOf(stage, 'delegations') },
]

export const things: readonly Thing[] = [
  ...accessTokens,
  ...otherTokens,
  ...statements,
  ...assertions,
  ...proofs,
  ...documents,
  ...secrets,
]

const made = new WeakMap<Stage, Map<string, Promise<string>>>()

/** One of these that may be shown many times, the same each time. */
export function kept(stage: Stage, name: string): Promise<string> {
  const known = made.get(stage) ?? new Map<string, Promise<string>>()
  made.set(stage, known)
  const thing = known.get(name) ?? (things.find((one) => one.name === name) as Thing).make(stage)
  known.set(name, thing)
  return thing
}
