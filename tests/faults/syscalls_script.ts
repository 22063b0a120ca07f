// A short script of everything that writes, one request after the other.

import { Chance } from './chance.ts'
import type { IssuedToken } from './ledger.ts'
import { signedChain } from './load.ts'
import { audience, type Stage } from './stage.ts'

/** Until the authority is gone: what it is asked then, it cannot have begun. */
export async function play(stage: Stage, isGone: () => boolean): Promise<void> {
  const { person, steady, stoppable } = stage
  const [planner, , reader] = steady
  const [stopped] = stoppable
  if (!planner || !reader || !stopped) throw new Error('the stage is empty')
  const { id: delegation, chain, delegate } = await signedChain(stage, new Chance(Math.random() * 2 ** 32))
  const assertion = await stage.assertionOf(planner)
  const handle = `made-${Math.floor(Math.random() * 1e12)}`
  const post = (path: string, json: object) => ({ path, json })
  let token: IssuedToken | undefined

  const script: Array<() => Promise<unknown>> = [
    () => {
      const json = { handle, owner: person.id, purpose: 'Is registered.' }
      return stage.ask({ do: 'register agent' }, post('/v1/agents', json))
    },
    async () => {
      token = (await stage.askToken(planner, { assertion }))?.result.token
    },
    // Used up, by then.
    () => stage.askToken(planner, { assertion }),
    () => stage.askToken(delegate, { chain, delegation }),
    () => {
      const json = { delegator: person.id, delegate: reader.id, aud: [audience], scope: 'repo:read' }
      return stage.ask({ do: 'register delegation' }, post('/v1/delegations', json))
    },
    async () => {
      if (!token) return
      const form = await stage.tokenForm(planner, token.compact)
      await stage.ask({ do: 'revoke own token', id: token.jti }, { path: '/revoke', form })
    },
    () => stage.ask({ do: 'rotate' }, post('/v1/signing-keys', {})),
    () => stage.ask({ do: 'suspend', id: stopped.id }, post(`/v1/agents/${stopped.id}/suspend`, {})),
    () => stage.ask({ do: 'resume', id: stopped.id }, post(`/v1/agents/${stopped.id}/resume`, {})),
    () => stage.ask({ do: 'revoke', id: delegation }, post(`/v1/delegations/${delegation}/revoke`, {})),
    // What is recorded gets its place in the log.
    () => stage.send({ method: 'GET', path: '/v1/audit/head' }).catch(() => {}),
  ]
  for (const step of script) {
    if (isGone()) return
    await step()
  }
}
