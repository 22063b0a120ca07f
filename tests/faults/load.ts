// Everything that changes something, asked for at once and in any order, as a busy organization would.

import { setTimeout as sleep } from 'node:timers/promises'
import { newStatement, readStatement, signStatement } from '@credence/protocol'
import { type Agent, seconds } from '../cast.ts'
import { Chance } from './chance.ts'
import type { IssuedToken } from './ledger.ts'
import { type Answered, audience, type Stage } from './stage.ts'

type Delegation = { id: string; chain: string[]; delegate: Agent }

/** What can be acted on next: acknowledged, and not yet chosen to be ended. */
export class Belongings {
  readonly tokens: Array<{ token: IssuedToken; agent: Agent }> = []
  readonly delegations: Delegation[] = []
}

type Acting = { stage: Stage; chance: Chance; mine: Belongings }
type Act = (acting: Acting) => Promise<Answered>

/** How often each comes, of all. */
const acts: ReadonlyArray<readonly [weight: number, act: Act]> = [
  [22, issue],
  [8, issueTwice],
  [14, exchange],
  [10, exchangeAgain],
  [8, registerDelegation],
  [5, attest],
  [6, registerAgent],
  [6, revokeOwnToken],
  [6, revokeToken],
  [6, revokeDelegation],
  [9, suspendOrResume],
]
const bag = acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act))

/** Keeps `workers` requests under way until told to stop; returns when all have ended. @param acting `pauseMs` lies between two of one worker. */
export async function loadUntil(
  stopped: () => boolean,
  acting: { stage: Stage; seed: number; mine: Belongings; workers?: number; pauseMs?: number },
): Promise<void> {
  const { stage, seed, mine, workers = 10, pauseMs = 0 } = acting
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const chance = new Chance(seed + worker)
      while (!stopped()) {
        const answer = await chance.pick(bag)({ stage, chance, mine })
        if (!answer || answer.status >= 500) await sleep(chance.between(5, 40))
        if (pauseMs > 0) await sleep(chance.between(0.5, 1.5) * pauseMs)
      }
    }),
  )
}

async function issue({ stage, chance, mine }: Acting): Promise<Answered> {
  const agent = chance.pick([...stage.steady, ...stage.stoppable])
  return kept(await stage.askToken(agent), agent, mine)
}

/** One assertion and one proof, sent twice at once: at most one of the two is answered with a token. */
async function issueTwice({ stage, chance, mine }: Acting): Promise<Answered> {
  const agent = chance.pick(stage.steady)
  const once = { assertion: await stage.assertionOf(agent), proof: await stage.proofOf(agent) }
  const [first, second] = await Promise.all([stage.askToken(agent, once), stage.askToken(agent, once)])
  kept(second, agent, mine)
  return kept(first, agent, mine)
}

async function exchange({ stage, chance, mine }: Acting): Promise<Answered> {
  const { id, chain, delegate } = await signedChain(stage, chance)
  const answer = await stage.askToken(delegate, { chain, delegation: id })
  if (answer?.status === 200) mine.delegations.push({ id, chain, delegate })
  return kept(answer, delegate, mine)
}

async function exchangeAgain(acting: Acting): Promise<Answered> {
  const { stage, chance, mine } = acting
  if (mine.delegations.length === 0) return exchange(acting)
  const { id, chain, delegate } = chance.pick(mine.delegations)
  return kept(await stage.askToken(delegate, { chain, delegation: id }), delegate, mine)
}

async function registerDelegation({ stage, chance, mine }: Acting): Promise<Answered> {
  const { id, chain, delegate } = await signedChain(stage, chance)
  const wish = { do: 'register delegation' as const, id, chain, delegation: id }
  const answer = await stage.ask(wish, { path: '/v1/delegations', json: { statements: chain } })
  if (answer?.status === 201) mine.delegations.push({ id, chain, delegate })
  return answer
}

async function attest({ stage, chance, mine }: Acting): Promise<Answered> {
  const delegate = chance.pick(stage.steady)
  const json = { delegator: stage.person.id, delegate: delegate.id, aud: [audience], scope: 'repo:read' }
  const answer = await stage.ask({ do: 'register delegation' }, { path: '/v1/delegations', json })
  const { id, chain } = answer?.result ?? {}
  if (id && chain) mine.delegations.push({ id, chain, delegate })
  return answer
}

async function registerAgent({ stage, chance }: Acting): Promise<Answered> {
  const handle = `new-${Math.floor(chance.next() * 1e9)}-${Math.floor(Math.random() * 1e9)}`
  const json = { handle, owner: stage.person.id, purpose: 'Is registered.' }
  return stage.ask({ do: 'register agent' }, { path: '/v1/agents', json })
}

async function revokeOwnToken(acting: Acting): Promise<Answered> {
  const { stage, chance, mine } = acting
  const one = taken(mine.tokens, chance)
  if (!one) return issue(acting)
  const form = await stage.tokenForm(one.agent, one.token.compact)
  return stage.ask({ do: 'revoke own token', id: one.token.jti }, { path: '/revoke', form })
}

async function revokeToken(acting: Acting): Promise<Answered> {
  const { stage, chance, mine } = acting
  const id = taken(mine.tokens, chance)?.token.jti
  if (!id) return issue(acting)
  return stage.ask({ do: 'revoke', id }, { path: '/v1/revocations', json: { id, cause: 'compromised' } })
}

async function revokeDelegation(acting: Acting): Promise<Answered> {
  const { stage, chance, mine } = acting
  const id = taken(mine.delegations, chance)?.id
  if (!id) return exchange(acting)
  return stage.ask({ do: 'revoke', id }, { path: `/v1/delegations/${id}/revoke`, json: {} })
}

async function suspendOrResume({ stage, chance }: Acting): Promise<Answered> {
  const { id } = chance.pick(stage.stoppable)
  const deed = chance.next() < 0.5 ? 'suspend' : 'resume'
  return stage.ask({ do: deed, id }, { path: `/v1/agents/${id}/${deed}`, json: {} })
}

/** One hop or two, signed by the person and, where it hands on, by the first agent. */
export async function signedChain(stage: Stage, chance: Chance): Promise<Delegation> {
  const [planner, writer, reader] = stage.steady as [Agent, Agent, Agent]
  const { person, organization } = stage
  const handsOn = chance.next() < 0.3
  const delegate = handsOn ? chance.pick([writer, reader]) : chance.pick(stage.steady)
  const common = { sub: person.id, authority: organization.issuer, aud: [audience] }
  const words = {
    iss: person.id,
    delegate: handsOn ? planner.clientId : delegate.clientId,
    scope: 'repo:*',
    max_depth: 1,
  }
  const root = newStatement({ ...common, ...words }, seconds())
  const signed = await signStatement(person.key, root)
  const { id, hash } = await readStatement(signed)
  if (!handsOn) return { id, chain: [signed], delegate }
  const next = { iss: planner.clientId, delegate: delegate.clientId, scope: 'repo:read', par_hash: hash, exp: root.exp }
  const leaf = newStatement({ ...common, ...next }, seconds())
  const handedOn = await signStatement(planner.key, leaf)
  return { id: (await readStatement(handedOn)).id, chain: [signed, handedOn], delegate }
}

function kept(answer: Answered, agent: Agent, mine: Belongings): Answered {
  const token = answer?.result.token
  if (token) mine.tokens.push({ token, agent })
  return answer
}

function taken<T>(from: T[], chance: Chance): T | undefined {
  return from.splice(Math.floor(chance.next() * from.length), 1)[0]
}
