// A60 of the attack list: each token, asked about and given back by everybody, however they authenticate.

import { generateSigningKey } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from '../authority.ts'
import { type Agent, castOf, claimsIn, post } from '../cast.ts'
import { assertionOf, type Stage, setStage, tokenNames, tokensOf } from './stage.ts'
import { changesBy } from './store_contents.ts'

let stage: Stage
/** Who asks: the parameters and headers by which it is known. */
let callers: Record<string, () => Promise<{ form: Record<string, string>; headers?: Record<string, string> }>>
const runs: Record<string, boolean> = {
  'the operator': true,
  'an instance of the operator': true,
  'the operator, with a key for nothing': true,
}
/** Whose each token is. */
const holders: Record<string, string> = {
  'taken over by an actor': 'an actor',
  'on behalf of the caller': 'the operator',
}

beforeAll(async () => {
  stage = await setStage()
  const { acme, ada, agent, actor, operator, cast, secret, apiKey, other } = stage
  const as = (who: Agent) => async () => ({ form: await assertionOf(stage, who) })
  const key = await generateSigningKey('ES256')
  const body = { kind: 'public_key', jwk: key.publicJwk, scope: ['nothing:at:all'] }
  expect((await acme.api('post', `/v1/agents/${operator.id}/credentials`, body)).status).toBe(201)
  const theirs = castOf(other)
  const stranger = await theirs.agent('operator', await theirs.person('Eve'))
  callers = {
    'the operator': as(operator),
    'an instance of the operator': as(await cast.instanceOf(operator)),
    'the operator, with a key for nothing': as({ ...operator, key }),
    'an actor': as(actor),
    'who holds most of them': as(agent),
    'who holds most of them, with a secret': async () => ({
      form: { client_id: agent.clientId, client_secret: secret },
    }),
    'who holds most of them, with an API key': async () => ({
      form: {},
      headers: { authorization: `Bearer ${apiKey}` },
    }),
    'an agent of nothing': as(await cast.agent('nobody', ada)),
    'the operator of another organization': as(stranger),
    nobody: async () => ({ form: {} }),
    'an administrator': async () => ({ form: {}, headers: { authorization: `Bearer ${acme.administratorSecret}` } }),
  }
})
afterAll(() => stage.stop())

const unknown = ['the operator of another organization', 'nobody', 'an administrator']
const ask = async (path: string, name: string, token: string): Promise<Answer> => {
  const { form, headers } = await (callers[name] as (typeof callers)[string])()
  return post(`${stage.acme.issuer}${path}`, new URLSearchParams({ ...form, token }), headers)
}

describe('every kind of token', () => {
  test.each(tokenNames)(
    '%s: only who runs its resource learns anything, and only who holds it ends it',
    async (name) => {
      const token = await tokensOf(stage)[name]()
      const ours = name !== 'for the authority’s own API'
      const alive = async () => (await ask('/introspect', 'the operator', token)).body.active === ours
      const inactive: string[] = []
      const changes = await changesBy(stage.authority, async () => {
        for (const caller of Object.keys(callers)) {
          const { status, body } = await ask('/introspect', caller, token)
          if (unknown.includes(caller)) expect([caller, status, body.active]).toEqual([caller, 401, undefined])
          else if (ours && runs[caller])
            expect(body).toEqual({
              active: true,
              token_type: claimsIn(token).cnf ? 'DPoP' : 'Bearer',
              ...claimsIn(token),
            })
          else inactive.push(JSON.stringify(body))
        }
        // The bytes of one that there is are the bytes of one that there is not.
        inactive.push(JSON.stringify((await ask('/introspect', 'the operator', 'rubbish')).body))
        expect(new Set(inactive)).toEqual(new Set(['{"active":false}']))

        const holder = holders[name] ?? 'who holds most of them'
        for (const caller of Object.keys(callers).filter(
          (one) => !one.startsWith(holder) && !(holder === 'the operator' && runs[one]),
        )) {
          const { status, body } = await ask('/revoke', caller, token)
          expect([caller, status, body === '']).toEqual(
            unknown.includes(caller) ? [caller, 401, false] : [caller, 200, true],
          )
        }
      })
      expect(Object.keys(changes)).toEqual(['used assertion'])
      expect(await alive()).toBe(true)
    },
  )
})
