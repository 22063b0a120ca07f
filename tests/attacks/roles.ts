// Everybody who might stand before a door, with what each of them shows.

import {
  createDpopProof,
  generateSigningKey,
  type RefusalCode,
  type SigningKey,
  signClientAssertion,
} from '@credence/protocol'
import type { TestAuthority } from '../authority.ts'
import { type Agent, seconds } from '../cast.ts'
import type { Row } from './fitting.ts'
import { able, type World } from './world.ts'

type Door = Row['door']

/** What a request carries to show who sends it. */
export type Shown = { headers?: Record<string, string>; form?: Record<string, string>; query?: Record<string, string> }

export type Role = {
  name: string
  /** The doors that let it in. */
  admitted: readonly Door[]
  /** What it hears at each other door that is not for everybody. */
  refused: { agent: RefusalCode; client: RefusalCode; administrator?: RefusalCode }
  show(request: { row: Row; url: string }): Promise<Shown> | Shown
}

const bearer = (text: string): Shown => ({ headers: { authorization: `Bearer ${text}` } })
const basic = (id: string, secret: string): Shown => ({
  headers: { authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}` },
})

const stranger = { agent: 'token_missing', client: 'client_authentication_missing' } as const
const wrongScheme = { agent: 'proof_missing', client: 'client_authentication_failed' } as const
const administrator = { agent: 'unauthorized', client: 'client_authentication_failed' } as const

export async function rolesOf(authority: TestAuthority, home: World, abroad: World): Promise<Role[]> {
  const { organization, cast, operator } = home
  const ended = (await organization.api('post', '/v1/administrators', { name: 'Gone' })).body
  await organization.api('delete', `/v1/administrators/${ended.id}`)
  const own = organization.administratorSecret

  return [
    ...nobodies(own),
    {
      name: 'its administrator',
      admitted: ['administrator', 'agent'],
      refused: administrator,
      show: () => bearer(own),
    },
    ...[
      ["another organization's administrator", abroad.organization.administratorSecret],
      ['an administrator that has ended', ended.secret],
    ].map(([name, secret]) => ({
      name: name as string,
      admitted: [],
      refused: administrator,
      show: () => bearer(secret),
    })),
    {
      name: "the installation's administrator",
      admitted: ['installation'],
      refused: administrator,
      show: () => bearer(authority.installationSecret),
    },
    ...(await tokenHolders(home, abroad)),
    ...(await clients(home, abroad)),
    {
      name: 'an operator with a token for its resource',
      admitted: [],
      refused: { ...wrongScheme, agent: 'audience_mismatch' },
      show: shownToken(operator.key, await cast.token(operator, home.docs)),
    },
  ]
}

/** With nothing, with what is no secret, and with a right secret in a wrong place. */
function nobodies(right: string): Role[] {
  const last = right.endsWith('A') ? 'E' : 'A'
  const id = right.slice('credence_adm_'.length).slice(0, 22)
  const wrong: Record<string, string> = {
    'a secret wrong in its last letter': `${right.slice(0, -1)}${last}`,
    'a secret wrong in its first letter': `${right.slice(0, 36)}${right[36] === 'A' ? 'B' : 'A'}${right.slice(37)}`,
    'a secret cut short': right.slice(0, -1),
    'a secret with more behind it': `${right}A`,
    'the id in a secret alone': `credence_adm_${id}_`,
    'another id before a right secret': `credence_adm_${'A'.repeat(22)}${right.slice(35)}`,
  }
  const nobody = (name: string, refused: Role['refused'], shown: Shown): Role => ({
    name,
    admitted: [],
    refused,
    show: () => shown,
  })
  const authorization = (text: string) => ({ headers: { authorization: text } })
  return [
    nobody('nobody', stranger, {}),
    ...Object.entries(wrong).map(([name, text]) => nobody(name, administrator, bearer(text))),
    nobody('a word as a secret', wrongScheme, bearer('x')),
    nobody('a secret in upper case', wrongScheme, bearer(right.toUpperCase())),
    nobody('the form of a secret in upper case', wrongScheme, bearer(`CREDENCE${right.slice(8)}`)),
    nobody(
      'a right secret as a DPoP token',
      { ...stranger, agent: 'token_malformed', client: 'client_authentication_failed' },
      authorization(`DPoP ${right}`),
    ),
    nobody('a right secret with Basic', { ...wrongScheme }, authorization(`Basic ${btoa(`x:${right}`)}`)),
    nobody(
      'a right secret without a scheme',
      { ...stranger, client: 'client_authentication_failed' },
      authorization(right),
    ),
    nobody(
      'two secrets, one right',
      { ...stranger, client: 'client_authentication_failed' },
      authorization(`Bearer x, Bearer ${right}`),
    ),
    nobody(
      'a right secret twice',
      { ...stranger, client: 'client_authentication_failed' },
      authorization(`Bearer ${right}, Bearer ${right}`),
    ),
    nobody('a right secret in a cookie', stranger, {
      headers: { cookie: `authorization=Bearer ${right}; secret=${right}` },
    }),
    nobody('a right secret in another header', stranger, {
      headers: {
        'x-authorization': `Bearer ${right}`,
        'proxy-authorization': `Bearer ${right}`,
        'x-api-key': right,
        x_client_cert: right,
        'x-forwarded-client-cert': right,
        'x-forwarded-user': 'first',
        'x-middleware-subrequest': 'middleware:middleware:middleware',
      },
    }),
    nobody(
      'a right secret in the query',
      { ...stranger, client: 'invalid_request' },
      {
        query: { access_token: right, authorization: `Bearer ${right}` },
      },
    ),
  ]
}

/** Shows a bound token with a proof for exactly this request. */
function shownToken(key: SigningKey, token: string, scheme = 'DPoP') {
  return async ({ row, url }: { row: Row; url: string }): Promise<Shown> => {
    const request = { method: row.method.toUpperCase(), url, now: seconds(), accessToken: token }
    return { headers: { authorization: `${scheme} ${token}`, dpop: await createDpopProof(key, request) } }
  }
}

async function tokenHolders({ organization, cast, operator, ada, docs }: World, abroad: World): Promise<Role[]> {
  const api = `${organization.issuer}/v1`
  const scopes = ['feed:read', 'delegations:write']
  const whole = await cast.token(operator, api, { scope: scopes.join(' ') })
  const narrow = new Map<string, string>()
  for (const scope of scopes) narrow.set(scope, await cast.token(operator, api, { scope }))
  const refused = (agent: RefusalCode): Role['refused'] => ({ agent, client: 'client_authentication_failed' })
  const stranger = (name: string, agent: RefusalCode, show: Role['show']): Role => ({
    name,
    admitted: [],
    refused: refused(agent),
    show,
  })
  const stopped = async (name: string, how: (agent: Agent, token: string) => Promise<unknown>): Promise<Role> => {
    const agent = await cast.agent(name.replaceAll(' ', '-'), ada, able(docs))
    const token = await cast.token(agent, api, { scope: 'delegations:write' })
    await how(agent, token)
    return stranger(name, 'revoked', shownToken(agent.key, token))
  }
  const claimed = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const end = (id: string) => organization.api('post', '/v1/revocations', { id, cause: 'test' })
  const theirs = await abroad.cast.token(abroad.operator, `${abroad.organization.issuer}/v1`)
  const thief = await generateSigningKey('ES256')
  return [
    {
      name: 'an agent with the scope',
      admitted: ['agent'],
      refused: refused('internal_error'),
      show: shownToken(operator.key, whole),
    },
    stranger('an agent with another scope', 'insufficient_scope', (request) => {
      const another = scopes.find((scope) => scope !== request.row.scope) ?? ''
      return shownToken(operator.key, narrow.get(another) ?? '')(request)
    }),
    stranger('an agent with its token as Bearer', 'proof_missing', shownToken(operator.key, whole, 'Bearer')),
    stranger('an agent without a proof', 'proof_missing', () => ({ headers: { authorization: `DPoP ${whole}` } })),
    stranger('whoever stole a token', 'proof_key_mismatch', shownToken(thief, whole)),
    stranger('an agent with a token cut short', 'token_malformed', shownToken(operator.key, whole.slice(0, -90))),
    stranger("another organization's agent", 'issuer_untrusted', shownToken(abroad.operator.key, theirs)),
    await stopped('suspended agent', ({ id }) => organization.api('post', `/v1/agents/${id}/suspend`, {})),
    await stopped('retired agent', ({ id }) => organization.api('post', `/v1/agents/${id}/retire`, {})),
    await stopped('revoked agent', ({ id }) => end(id)),
    await stopped('agent with a revoked token', (_agent, token) => end(claimed(token).jti)),
    await stopped('agent with a revoked credential', ({ credential }) => end(credential)),
    await stopped('resumed agent with its old token', async ({ id }) => {
      await organization.api('post', `/v1/agents/${id}/suspend`, {})
      await organization.api('post', `/v1/agents/${id}/resume`)
    }),
  ]
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Each way in which a client authenticates: of this organization, of another one, and of one that was stopped. */
async function clients(home: World, abroad: World): Promise<Role[]> {
  const roles: Role[] = []
  const stopped = await home.cast.agent('stopped-client', home.ada, able(home.docs))
  for (const [whose, world, agent, client] of [
    ['a client', home, home.operator, undefined],
    ["another organization's client", abroad, abroad.operator, 'client_authentication_failed'],
    ['a suspended client', home, stopped, 'agent_not_active'],
  ] as const) {
    const secret = async (kind: string): Promise<string> =>
      (await world.organization.api('post', `/v1/agents/${agent.id}/credentials`, { kind, scope: ['docs:read'] })).body
        .secret
    const [password, key] = [await secret('client_secret'), await secret('api_key')]
    const { clientId: id } = agent
    const assertion = () => ({ clientId: id, issuer: home.organization.issuer, now: seconds() })
    const ways: Record<string, { show: Role['show']; elsewhere: Role['refused'] }> = {
      private_key_jwt: {
        elsewhere: stranger,
        show: async () => ({
          form: {
            client_assertion: await signClientAssertion(agent.key, assertion()),
            client_assertion_type: assertionType,
          },
        }),
      },
      client_secret_basic: { elsewhere: wrongScheme, show: () => basic(id, password) },
      client_secret_post: { elsewhere: stranger, show: () => ({ form: { client_id: id, client_secret: password } }) },
      api_key: { elsewhere: wrongScheme, show: () => bearer(key) },
    }
    for (const [way, { show, elsewhere }] of Object.entries(ways)) {
      const refused = { ...elsewhere, ...(client && { client }) } as Role['refused']
      roles.push({ name: `${whose} by ${way}`, admitted: client ? [] : ['client'], refused, show })
    }
  }
  await home.organization.api('post', `/v1/agents/${stopped.id}/suspend`, {})
  return roles
}
