import type { RefusalCode } from '@credence/protocol'
import type { Services } from '../services.ts'
import { record } from './record.ts'

/** Pairs of organization and code held between two flushes. A flood over more organizations is flushed early, then counted as lost. */
const maxPairs = 10_000

/**
 * Counts refusals that happened before the caller was known. Anyone can cause those at will, so they are not recorded one by
 * one: each (organization, code) is a counter here and becomes one `refusals.counted` record per period.
 *
 * Counts of the last period are lost on `kill -9`; nothing else rests on them.
 */
export class RefusalCounter {
  readonly #services: Pick<Services, 'store' | 'clock' | 'log'>
  #counts = new Map<string, Map<RefusalCode, number>>()
  #pairs = 0
  #lost = 0
  #flushing: Promise<void> = Promise.resolve()
  /** The flush that will begin when the one in progress has ended. */
  #next: Promise<void> | undefined

  constructor(services: Pick<Services, 'store' | 'clock' | 'log'>) {
    this.#services = services
  }

  /** @param organization its id; never anything a caller could make up. */
  count(organization: string, code: RefusalCode, times = 1): void {
    let codes = this.#counts.get(organization)
    const before = codes?.get(code)
    if (before === undefined && this.#pairs >= maxPairs) {
      this.#lost += times
      void this.flush()
      return
    }
    if (!codes) {
      codes = new Map()
      this.#counts.set(organization, codes)
    }
    if (before === undefined) this.#pairs += 1
    codes.set(code, (before ?? 0) + times)
  }

  /** Writes what was counted so far. What cannot be written now is kept and counted on. Never throws. */
  flush(): Promise<void> {
    this.#next ??= this.#flushing.then(() => {
      this.#next = undefined
      return this.#flush()
    })
    this.#flushing = this.#next
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const taken = this.#counts
    this.#counts = new Map()
    this.#pairs = 0
    if (this.#lost > 0) {
      this.#services.log.warn({ lost: this.#lost }, 'refusals went uncounted: too many organizations at once')
      this.#lost = 0
    }
    for (const [organization, codes] of taken) {
      for (const [code, count] of codes) await this.#write(organization, code, count)
    }
  }

  async #write(organization: string, code: RefusalCode, count: number): Promise<void> {
    try {
      const audit = await record(
        this.#services,
        { id: organization },
        { type: 'refusals.counted', outcome: 'refused', reasons: [code], count },
      )
      const outcome = await this.#services.store.commit({ organization, steps: [], audit })
      if (!outcome.done) throw new Error(`the store refused a command without conditions: ${outcome.refused}`)
    } catch (error) {
      this.#services.log.error({ organization, code, count, err: error }, 'counted refusals could not be recorded yet')
      this.count(organization, code, count)
    }
  }
}
