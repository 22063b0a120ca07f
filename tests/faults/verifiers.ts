// Verifiers as services run them: the SDK's, each in its own process, behind a network of its own that can fail. Whatever they
// answer goes into the ledger.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { JsonObject, WhenStale } from '@credence/protocol'
import type { FeedReport } from '@credence/sdk/verify'
import { Chance, newSeed } from './chance.ts'
import type { IssuedToken, Judged } from './ledger.ts'
import { type NetworkProxy, startProxy } from './proxy.ts'
import { shuffleEvents } from './proxy_events.ts'
import { audience, type Stage } from './stage.ts'

export type Run = Omit<Judged, 'verifier' | 'operator' | 'stalenessMs' | 'whenStale' | 'harmless'> & { scope: string }

export type Report = {
  /** Since the last report. */
  runs: Run[]
  /** What the last calls of each token, at each scope, were answered. */
  going: Array<Pick<Run, 'jti' | 'scope' | 'verdict'>>
  ready: boolean
  feed: FeedReport | undefined
}

export type Wanted = { do: 'start' } | { do: 'watch'; tokens: IssuedToken[] } | { do: 'report' }

/** What a verifier process is started with. */
export type Given = {
  issuer: string
  resource: string
  /** Client id of the agent that operates the resource. */
  operator: string
  /** The origin that it reaches the issuer at. */
  at: string
  scopes: readonly string[]
  whenStale?: WhenStale
  /** `frozen`: time stands still for it. `forgets`: it takes facts in, acknowledges them, and does not look. */
  broken?: 'frozen' | 'forgets'
}

/** What the resource is registered with at the authority. */
export type Terms = { stalenessMs: number; whenStale: WhenStale; harmlessScopes: readonly string[] }

const scopes = ['repo:read', 'repo:write']

/** Registers how calls at the stage's resource are judged. */
export async function setTerms(stage: Stage, { stalenessMs, whenStale, harmlessScopes }: Terms): Promise<void> {
  const { items } = (await stage.organization.api('get', `/v1/resources?audience=${encodeURIComponent(audience)}`)).body
  const { status, body } = await stage.organization.api('patch', `/v1/resources/${items[0].id}`, {
    proof_mode: 'optional',
    max_staleness_ms: stalenessMs,
    when_stale: whenStale,
    harmless_scopes: whenStale === 'harmless_reads' ? harmlessScopes : [],
  })
  if (status !== 200) throw new Error(`the terms were not taken: ${status} ${JSON.stringify(body)}`)
}

export class VerifierProcess {
  readonly name: string
  readonly proxy: NetworkProxy
  readonly #stage: Stage
  readonly #terms: Terms
  readonly #own: WhenStale | undefined
  readonly #child: ChildProcess
  #going: Report['going'] = []
  #reporting = Promise.resolve<unknown>(undefined)

  private constructor(made: {
    name: string
    proxy: NetworkProxy
    stage: Stage
    terms: Terms
    own: WhenStale | undefined
    child: ChildProcess
  }) {
    this.name = made.name
    this.proxy = made.proxy
    this.#stage = made.stage
    this.#terms = made.terms
    this.#own = made.own
    this.#child = made.child
  }

  /** @param at where the authority is; `unreachable`: not before its proxy heals. */
  static async start(
    stage: Stage,
    at: string,
    how: { name: string; terms: Terms; whenStale?: WhenStale; broken?: 'frozen' | 'forgets'; unreachable?: true },
  ): Promise<VerifierProcess> {
    const { name, terms, whenStale, broken } = how
    const proxy = await startProxy(() => ({ port: Number(new URL(at).port), host: '127.0.0.1' }))
    proxy.refusing = how.unreachable ?? false
    proxy.down.change = shuffleEvents(proxy, new Chance(newSeed()))
    const given: Given = {
      issuer: stage.organization.issuer,
      resource: audience,
      operator: stage.operator.clientId,
      at: proxy.origin,
      scopes,
      ...(whenStale && { whenStale }),
      ...(broken && { broken }),
    }
    const script = fileURLToPath(new URL('./verifiers_serve.ts', import.meta.url))
    const child = fork(script, [JSON.stringify(given)], { execArgv: ['--conditions=@credence/source'] })
    const [{ key }] = (await once(child, 'message')) as [{ key: JsonObject }]
    const path = `/v1/agents/${stage.operator.id}/credentials`
    const { status } = await stage.organization.api('post', path, { kind: 'public_key', jwk: key })
    if (status !== 201) throw new Error(`the operator got no key for ${name}: ${status}`)
    const process = new VerifierProcess({ name, proxy, stage, terms, own: whenStale, child })
    process.#say({ do: 'start' })
    return process
  }

  /** Calls are made with these too, from now on. */
  watch(tokens: readonly IssuedToken[]): void {
    this.#say({ do: 'watch', tokens: [...tokens] })
  }

  /** How it stands; what it has answered up to now is then in the ledger. */
  report(): Promise<Report> {
    const next = this.#reporting.then(() => this.#report())
    this.#reporting = next.catch(() => {})
    return next
  }

  async #report(): Promise<Report> {
    const answer = once(this.#child, 'message') as Promise<[{ report: Report }]>
    this.#say({ do: 'report' })
    const [{ report }] = await answer
    const { stalenessMs } = this.#terms
    for (const { scope, ...run } of report.runs) {
      const terms = { stalenessMs, whenStale: this.#effective(), harmless: this.#terms.harmlessScopes.includes(scope) }
      const { id: operator } = this.#stage.operator
      await this.#stage.ledger.judged({ verifier: this.name, operator, ...terms, ...run })
    }
    this.#going = report.going
    return report
  }

  /** What may happen when its lease is over: both it and the authority must let a call pass. */
  #effective(): WhenStale {
    const rules = [this.#terms.whenStale, this.#own]
    if (rules.includes('refuse')) return 'refuse'
    return rules.includes('introspect') ? 'introspect' : 'harmless_reads'
  }

  /** Waits until its report says so. */
  async until(what: (report: Report) => boolean, why: string): Promise<Report> {
    const giveUp = performance.now() + 90_000
    for (;;) {
      const report = await this.report()
      if (what(report)) return report
      if (performance.now() > giveUp) {
        throw new Error(`${this.name}: ${why}, and after long it is ${JSON.stringify([report.feed, report.going])}`)
      }
      await sleep(30)
    }
  }

  /** What the latest calls of a token that needed `scope` were answered. */
  verdictOf(jti: string, scope = 'repo:read'): string | undefined {
    return this.#going.find((one) => one.jti === jti && one.scope === scope)?.verdict
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await gone
    }
    await this.proxy.stop()
  }

  #say(wanted: Wanted): void {
    this.#child.send(wanted)
  }
}
