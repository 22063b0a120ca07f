import type { Organization, Services } from '../services.ts'
import { leasesAliveAt } from './leases.ts'

/** How often the store is asked for acknowledgements that arrived at other processes. */
const askEveryMs = 200

export type Reached = {
  points: number
  of: number
  byMs: number | null
  all: boolean
  leasesOverByMs: number
}

/** How far a fact has come: listens to acknowledgements from before the fact exists, so that none is missed. */
export class Reach {
  readonly #services: Pick<Services, 'store' | 'clock' | 'feed'>
  readonly #organization: Organization
  readonly #heard = new Map<string, { seq: number; atMs: number }>()
  /** Of these, those that came since it was last looked. */
  #unread = new Set<string>()
  readonly #unwatch: () => void
  #news: (() => void) | undefined

  constructor(services: Pick<Services, 'store' | 'clock' | 'feed'>, organization: Organization) {
    this.#services = services
    this.#organization = organization
    const unwatch = services.feed.acknowledgements.watch(organization.id, ({ point, seq, atMs }) => {
      this.#heard.set(point, { seq, atMs })
      this.#unread.add(point)
      this.#news?.()
    })
    const wake = () => this.#news?.()
    services.feed.ending.addEventListener('abort', wake)
    this.#unwatch = () => {
      unwatch()
      services.feed.ending.removeEventListener('abort', wake)
    }
  }

  /** Waits until every point that may hold a lease has acknowledged `seq`, `waitMs` have passed, or the authority stops. */
  async of({ seq, committedAtMs, waitMs }: { seq: number; committedAtMs: number; waitMs: number }): Promise<Reached> {
    const { store, clock, feed } = this.#services
    const deadlineMs = clock.monotonicMs() + waitMs
    const missing = new Set<string>()
    let of = 0
    let byMs = committedAtMs
    let leasesOverByMs = committedAtMs
    let askAgainAtMs = Number.NEGATIVE_INFINITY
    for (;;) {
      const nowMs = clock.monotonicMs()
      if (nowMs >= askAgainAtMs) {
        // A lease that has run out meanwhile needs no acknowledgement any more.
        const leases = await leasesAliveAt(store.of(this.#organization.id), clock.settledMs())
        of = leases.length
        missing.clear()
        for (const lease of leases) {
          leasesOverByMs = Math.max(leasesOverByMs, committedAtMs + lease.staleness_ms)
          if (lease.acknowledged_seq < seq) missing.add(lease.point)
          else byMs = Math.max(byMs, lease.acknowledged_at_ms)
        }
        // What the store has not yet been told counts as well.
        this.#unread = new Set(this.#heard.keys())
        // A long list is asked for less often.
        askAgainAtMs = clock.monotonicMs() + Math.max(askEveryMs, 5 * (clock.monotonicMs() - nowMs))
      }
      for (const point of this.#unread) {
        const heard = this.#heard.get(point)
        if (heard && heard.seq >= seq && missing.delete(point)) byMs = Math.max(byMs, heard.atMs)
      }
      this.#unread.clear()
      const all = missing.size === 0
      const leftMs = deadlineMs - clock.monotonicMs()
      if (all || leftMs <= 0 || feed.ending.aborted)
        return { points: of - missing.size, of, byMs: all ? byMs : null, all, leasesOverByMs }
      await this.#newsWithin(Math.min(leftMs, Math.max(1, askAgainAtMs - clock.monotonicMs())))
    }
  }

  close(): void {
    this.#unwatch()
  }

  async #newsWithin(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#news = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#news = undefined
  }
}
