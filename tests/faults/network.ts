// What can be wrong between an authority and its verifiers, and a scene to have it in: tokens in use everywhere, some of which are
// being ended all the time.

import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { IssuedToken } from './ledger.ts'
import { signedChain } from './load.ts'
import type { NetworkProxy } from './proxy.ts'
import type { Answered, Stage } from './stage.ts'
import type { VerifierProcess } from './verifiers.ts'

export type Trouble = { name: string; begin(proxy: NetworkProxy): void }

/** F12, F13, F14 both ways, F15, and a network that is merely slow. */
export const troubles: readonly Trouble[] = [
  {
    name: 'a clean cut',
    begin(proxy) {
      proxy.refusing = true
      proxy.cut()
    },
  },
  { name: 'none', begin() {} },
  {
    name: 'half-open',
    begin(proxy) {
      proxy.up.held = true
      proxy.down.held = true
    },
  },
  {
    name: 'it hears nothing',
    begin(proxy) {
      proxy.down.held = true
    },
  },
  {
    name: 'it cannot be heard',
    begin(proxy) {
      proxy.up.held = true
    },
  },
  {
    name: 'events are lost, repeated and out of order',
    begin(proxy) {
      proxy.shuffling = true
    },
  },
  {
    name: 'slow',
    begin(proxy) {
      proxy.up.delayMs = 200
      proxy.down.delayMs = 200
    },
  },
]

type InUse = { token: IssuedToken; agent: string; delegation?: string }

/** Tokens in use at every verifier, and what has been done to them. */
export class Scene {
  readonly #stage: Stage
  readonly #chance: Chance
  readonly verifiers: readonly VerifierProcess[]
  #alive: InUse[] = []
  #dead: InUse[] = []
  readonly #suspended = new Set<string>()

  constructor(stage: Stage, chance: Chance, verifiers: readonly VerifierProcess[]) {
    this.#stage = stage
    this.#chance = chance
    this.verifiers = verifiers
  }

  /** New tokens, with which calls are made everywhere from now on. */
  async issue(count: number): Promise<void> {
    const made: InUse[] = []
    for (let n = 0; n < count; n++) {
      const rests = n % 3 === 0 ? await signedChain(this.#stage, this.#chance) : undefined
      const agent = rests?.delegate ?? this.#chance.pick(n % 3 === 1 ? this.#stage.stoppable : this.#stage.steady)
      const how = rests && { chain: rests.chain, delegation: rests.id }
      const { token } = done(await this.#stage.askToken(agent, { ...how, bearer: true })).result
      if (token) made.push({ token, agent: agent.id, ...(rests && { delegation: rests.id }) })
    }
    this.#alive.push(...made)
    for (const verifier of this.verifiers) verifier.watch(made.map(({ token }) => token))
  }

  /** Ends a token, a delegation or an agent that is in use, and waits up to so long for everybody to know. */
  async end(waitMs: number): Promise<void> {
    const { token, agent, delegation } = this.#chance.pick(this.#alive)
    const wait_ms = waitMs
    const isStoppable = this.#stage.stoppable.some(({ id }) => id === agent)
    if (isStoppable) {
      const wish = { do: 'suspend' as const, id: agent }
      done(await this.#stage.ask(wish, { path: `/v1/agents/${agent}/suspend`, json: { wait_ms } }))
      this.#suspended.add(agent)
    } else {
      const id = delegation ?? token.jti
      const json = { id, cause: 'compromised', wait_ms }
      done(await this.#stage.ask({ do: 'revoke', id }, { path: '/v1/revocations', json }))
    }
    const ended = (one: InUse) =>
      isStoppable ? one.agent === agent : one.token === token || (delegation && one.delegation === delegation)
    this.#dead.push(...this.#alive.filter(ended))
    this.#alive = this.#alive.filter((one) => !ended(one))
  }

  async resumeAll(): Promise<void> {
    for (const id of this.#suspended) {
      done(await this.#stage.ask({ do: 'resume', id }, { path: `/v1/agents/${id}/resume`, json: {} }))
    }
    this.#suspended.clear()
  }

  /** Something is ended again and again, for so long, as long as there is enough left. */
  async endFor(ms: number): Promise<void> {
    const until = performance.now() + ms
    do {
      if (this.#alive.length > 3) await this.end(this.#chance.pick([0, 100, 300]))
      await sleep(Math.min(this.#chance.between(50, 400), Math.max(0, until - performance.now())))
    } while (performance.now() < until)
  }

  /** Every verifier has news again by itself; each then lets pass what lives, and nothing else. */
  async settled(): Promise<void> {
    for (const verifier of this.verifiers) {
      const judges = (all: InUse[], verdict: string) =>
        all.every(({ token }) => verifier.verdictOf(token.jti) === verdict)
      await verifier.until(
        ({ ready }) => ready && judges(this.#alive, 'permitted') && judges(this.#dead, 'revoked'),
        'does not find back',
      )
    }
    await this.resumeAll()
  }
}

function done(answer: Answered): NonNullable<Answered> {
  if (!answer || answer.status >= 300) throw new Error(`not done: ${JSON.stringify(answer)}`)
  return answer
}
