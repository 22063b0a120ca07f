// A32, A36, A73 and A75 of the attack list, on two processes' worth of nodes on one PostgreSQL: what works once works once, and what ends in the
// middle of a request ends what came of it.

import { createDpopProof, generateSigningKey, readStatement, signClientAssertion } from '@credence/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, call, startTestAuthority, type TestAuthority } from '../authority.ts'
import { type Agent, exchangeGrant, type Person, post, seconds } from '../cast.ts'
import { postgresMissing } from '../postgres.ts'
import { sampleOf } from './many.ts'
import { acting, api, assertionOf, assertionType, files, itself, onBehalf, type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'
import { twinOf } from './twins.ts'

const missing = postgresMissing()
let stage: Stage
let two: TestAuthority
let nodes: [string, string]

beforeAll(async () => {
  if (missing) return
  stage = await setStage({ store: 'postgres' })
  const { authority } = stage
  two = await startTestAuthority({ settings: { ...authority.settings, origin: authority.origin, port: 0 } })
  nodes = [authority, two].map(({ settings }) => `http://localhost:${settings.port}`) as [string, string]
})
afterAll(async () => {
  await two?.stop()
  await stage?.stop()
})
beforeEach((context) => {
  if (missing) context.skip(missing)
})

/** Both nodes in turn. */
const at = (turn: number) => nodes[turn % 2] as string
const codeOf = ({ status, body }: Answer): string => (status < 300 ? 'done' : (body.error_code ?? body.code))
const postAt = (turn: number, path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  post(`${at(turn)}/o/acme${path}`, new URLSearchParams(form), headers)
const administer = (turn: number, method: string, path: string, body?: object) =>
  call(stage.acme.administratorSecret, method, `${at(turn)}/o/acme${path}`, body)

/** So many at once, each sent to the other node than the one before. */
const volley = <T>(count: number, send: (turn: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, turn) => send(turn)))

describe('A32, A36: once, in whichever spelling and at whichever door', () => {
  test('an assertion: at three endpoints of two nodes, with either of its signatures', async () => {
    const { agent, acme } = stage
    for (let round = 0; round < 4; round++) {
      const assertion = await signClientAssertion(agent.key, {
        clientId: agent.clientId,
        issuer: acme.issuer,
        now: seconds(),
      })
      const changes = await changesBy(stage.authority, async () => {
        const codes = await volley(12, async (turn) => {
          const path = ['/token', '/introspect', '/revoke'][turn % 3] as string
          const client_assertion = turn % 4 < 2 ? assertion : twinOf(assertion)
          return codeOf(
            await postAt(turn, path, { client_assertion, client_assertion_type: assertionType, ...itself, token: 'x' }),
          )
        })
        expect(codes.filter((code) => code === 'done')).toHaveLength(1)
        expect(codes.filter((code) => code === 'assertion_replayed')).toHaveLength(11)
      })
      expect(changes['used assertion']).toBe(1)
      expect(Object.keys(changes).filter((what) => !['used assertion', 'record token.issued'].includes(what))).toEqual(
        [],
      )
    }
  })

  test('a proof, with either of its signatures', async () => {
    const { agent, acme } = stage
    for (let round = 0; round < 4; round++) {
      const proof = await createDpopProof(agent.key, { method: 'POST', url: `${acme.issuer}/token`, now: seconds() })
      const codes = await volley(8, async (turn) => {
        const form = { ...(await assertionOf(stage, agent)), ...itself }
        return codeOf(await postAt(turn, '/token', form, { dpop: turn % 4 < 2 ? proof : twinOf(proof) }))
      })
      expect(codes.toSorted()).toEqual(['done', ...Array.from({ length: 7 }, () => 'proof_replayed')])
    }
  })
})

describe('the same asked for twice is done once', () => {
  const once: Record<
    string,
    () => Promise<{ send(turn: number): Promise<Answer>; done: number; others: string; rows: Record<string, number> }>
  > = {
    'a statement, registered': async () => {
      const statements = await statement()
      return {
        send: (turn) =>
          administer(turn, 'post', '/v1/delegations', {
            statements: turn % 4 < 2 ? statements : statements.map(twinOf),
          }),
        done: 8,
        others: '',
        rows: { '+ delegations': 1 },
      }
    },
    'a statement, exchanged': async () => {
      const [subject_token = ''] = await statement()
      const asked = {
        grant_type: exchangeGrant,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        resource: api,
      }
      return {
        send: async (turn) => {
          const shown = turn % 4 < 2 ? subject_token : twinOf(subject_token)
          return postAt(turn, '/token', { ...(await assertionOf(stage, stage.agent)), ...asked, subject_token: shown })
        },
        done: 8,
        others: '',
        rows: { '+ delegations': 1 },
      }
    },
    'a revocation': async () => {
      const { id } = await readStatement((await statement())[0] as string)
      const body = { id, cause: 'race' }
      return {
        send: (turn) => administer(turn, 'post', '/v1/revocations', body),
        done: 8,
        others: '',
        rows: { '+ facts': 1 },
      }
    },
    'a token, given back': async () => {
      const token = await stage.cast.token(stage.agent, api)
      return {
        send: async (turn) => postAt(turn, '/revoke', { ...(await assertionOf(stage, stage.agent)), token }),
        done: 8,
        others: '',
        rows: { '+ facts': 1 },
      }
    },
    // Whoever stops it finds it stopped, also when somebody else was quicker by a moment.
    'a suspension': async () => {
      const { id } = await newAgent()
      const send = (turn: number) => administer(turn, 'post', `/v1/agents/${id}/suspend`)
      return { send, done: 8, others: '', rows: { '+ facts': 1 } }
    },
    'a retirement': async () => {
      const { id } = await newAgent()
      const send = (turn: number) => administer(turn, 'post', `/v1/agents/${id}/retire`)
      return { send, done: 1, others: 'already_ended', rows: { '+ facts': 1 } }
    },
    'a key': async () => {
      const [{ id }, { publicJwk: jwk }] = [await newAgent(), await generateSigningKey('ES256')]
      const body = { kind: 'public_key', jwk }
      return {
        send: (turn) => administer(turn, 'post', `/v1/agents/${id}/credentials`, body),
        done: 1,
        others: 'key_taken',
        rows: { '+ credentials': 1 },
      }
    },
    'an audience': async () => {
      const body = { audience: `https://${crypto.randomUUID()}.example/`, name: 'x', scopes: ['a'] }
      return {
        send: (turn) => administer(turn, 'post', '/v1/resources', body),
        done: 1,
        others: 'audience_taken',
        rows: { '+ resources': 1 },
      }
    },
    'a handle': async () => {
      const body = { handle: `h-${crypto.randomUUID()}`, owner: stage.ada.id, purpose: 'Races.' }
      return {
        send: (turn) => administer(turn, 'post', '/v1/agents', body),
        done: 1,
        others: 'handle_taken',
        rows: { '+ agents': 1 },
      }
    },
  }

  test.each(Object.entries(once))('%s', async (_what, prepare) => {
    const { send, done, others, rows } = await prepare()
    const changes = await changesBy(stage.authority, async () => {
      const codes = (await volley(8, send)).map(codeOf)
      expect(codes.toSorted()).toEqual(
        [...Array.from({ length: 8 - done }, () => others), ...Array.from({ length: done }, () => 'done')].toSorted(),
      )
    })
    for (const [what, times] of Object.entries(rows)) expect([what, changes[what]]).toEqual([what, times])
  })
})

describe('A73, A75: what ends in the middle', () => {
  type World = { ada: Person; agent: Agent; root: string[]; subject: string; own: string; task: string }

  async function newWorld(): Promise<World> {
    const { cast } = stage
    const ada = await cast.person('Bea', permissions)
    const agent = await cast.instanceOf(await newAgent())
    const root = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: agent.clientId, aud: [api], onward: [files], scope: 'a:read', max_depth: 2 },
    )
    const task = `task-${crypto.randomUUID()}`
    const subject = (await cast.exchange(agent, root, api, { task })).body.access_token
    return { ada, agent, root, subject, task, own: '' }
  }

  const shapes: Record<string, (world: World) => Promise<{ by: Agent; form: Record<string, string> }>> = {
    'for itself': async ({ agent, task }) => ({ by: agent, form: { ...itself, task } }),
    'by a delegation': async ({ agent, root, task }) => ({
      by: agent,
      form: {
        grant_type: exchangeGrant,
        subject_token: root[0] as string,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        resource: api,
        task,
      },
    }),
    'on behalf of the caller': async ({ subject }) => ({ by: stage.operator, form: onBehalf(subject) }),
    'taken over by an actor': async (world) => {
      const { cast } = stage
      const { hash, statement: above } = await readStatement(world.root[0] as string)
      const actor = await newAgent()
      const words = {
        delegate: actor.clientId,
        aud: [api],
        scope: 'a:read',
        max_depth: 1,
        exp: above.exp,
        par_hash: hash,
      }
      const chain = await cast.delegate(
        { iss: world.agent.clientId, sub: world.ada.id, key: world.agent.key },
        words,
        world.root,
      )
      await administer(0, 'post', '/v1/delegations', { statements: chain })
      world.own = await cast.token(actor, api)
      return { by: actor, form: acting(world.subject, world.own) }
    },
  }

  const jtiIn = (token: string): string =>
    JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()).jti
  /** What ends, and in which shapes something rests on it. */
  const ends: Record<string, [(world: World) => Promise<string> | string, string[]]> = {
    'the agent': [({ agent }) => agent.id, Object.keys(shapes)],
    'its instance': [({ agent }) => agent.instance?.id ?? '', Object.keys(shapes)],
    'its key': [({ agent }) => agent.credential, Object.keys(shapes)],
    'the task': [({ task }) => `task:${task}`, Object.keys(shapes)],
    'the person': [({ ada }) => ada.id, Object.keys(shapes).slice(1)],
    'the delegation': [async ({ root }) => (await readStatement(root[0] as string)).id, Object.keys(shapes).slice(1)],
    'the subject token': [({ subject }) => jtiIn(subject), Object.keys(shapes).slice(2)],
    'the actor’s token': [({ own }) => jtiIn(own), Object.keys(shapes).slice(3)],
  }
  const pairs = Object.entries(ends).flatMap(([what, [idOf, among]]) =>
    among.map((shape) => [what, shape, idOf] as const),
  )

  test.each(sampleOf(pairs, 8))('%s, while tokens are issued %s', async (_what, shape, idOf) => {
    const world = await newWorld()
    const { by, form } = await (shapes[shape] as (typeof shapes)[string])(world)
    const ask = async (turn: number) => postAt(turn, '/token', { ...(await assertionOf(stage, by)), ...form })
    expect(codeOf(await ask(0))).toBe('done')
    const id = await idOf(world)
    const issuing = volley(10, ask)
    const [answers, ended] = await Promise.all([
      issuing,
      administer(1, 'post', '/v1/revocations', { id, cause: 'race' }),
    ])
    expect(codeOf(ended)).toBe('done')
    for (const answer of answers) {
      if (answer.status !== 200) {
        expect(refusals).toContain(codeOf(answer))
        // A119: it may have been minted by then.
        expect(JSON.stringify(answer.body)).not.toMatch(/eyJ|credence_/)
      }
      if (answer.status === 200)
        for (const turn of [0, 1]) expect(await isActive(turn, answer.body.access_token)).toBe(false)
    }
    for (const turn of [0, 1]) expect(refusals).toContain(codeOf(await ask(turn)))
  })

  const refusals = [
    'revoked',
    'agent_not_active',
    'instance_expired',
    'credential_expired',
    'actor_not_named',
    'actor_token_invalid',
  ]

  async function isActive(turn: number, token: string): Promise<boolean> {
    return (await postAt(turn, '/introspect', { ...(await assertionOf(stage, stage.operator)), token })).body.active
  }
})

const permissions = [api, files].map((resource) => ({ resource, scope: 'a:*' }))
const newAgent = () =>
  stage.cast.agent(`agent-${crypto.randomUUID()}`, stage.ada, { capabilities: ['a:*'], permissions })
const statement = () =>
  stage.cast.delegate(
    { iss: stage.ada.id, key: stage.ada.key },
    { delegate: stage.agent.clientId, aud: [api], scope: 'a:read' },
  )
