import type { Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { commitSteps } from './leases.ts'

export type Acknowledgement = { resource: string; point: string; seq: number; atMs: number }

type Watcher = (acknowledgement: Acknowledgement) => void

/** Acknowledgements arrive in bursts, one per enforcement point: they are written together this often. */
const flushEveryMs = 50

/**
 * How far enforcement points have come. Whoever waits in this process hears of each acknowledgement at once; other
 * processes find it in the store. Losing the last few on a crash makes an answer later, never wrong.
 */
export class Acknowledgements {
  readonly #parts: Pick<Services, 'store' | 'log'>
  #pending = new Map<string, Map<string, Acknowledgement>>()
  readonly #watchers = new Map<string, Set<Watcher>>()
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: Pick<Services, 'store' | 'log'>) {
    this.#parts = parts
  }

  /** @param acknowledgement of an existing point, of a `seq` the authority has given out: the caller has checked both. */
  receive(organization: string, acknowledgement: Acknowledgement): void {
    let points = this.#pending.get(organization)
    if (!points) {
      points = new Map()
      this.#pending.set(organization, points)
    }
    const known = points.get(acknowledgement.point)
    if (!known || known.seq < acknowledgement.seq) points.set(acknowledgement.point, acknowledgement)
    for (const watcher of this.#watchers.get(organization) ?? []) watcher(acknowledgement)
    if (!this.#closed) this.#timer ??= setTimeout(() => void this.flush(), flushEveryMs)
  }

  /** Calls `watcher` with each acknowledgement that arrives here, until the returned function is called. */
  watch(organization: string, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(organization) ?? new Set()
    this.#watchers.set(organization, watchers.add(watcher))
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0) this.#watchers.delete(organization)
    }
  }

  /** Writes what has arrived. Never throws: what could not be written is tried again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flushing = this.#flushing.then(() => this.#flush())
    return this.#flushing
  }

  /** Writes what has arrived, for the last time. Never throws. */
  close(): Promise<void> {
    this.#closed = true
    return this.flush()
  }

  async #flush(): Promise<void> {
    const taken = this.#pending
    this.#pending = new Map()
    for (const [organization, points] of taken) {
      try {
        await commitSteps(this.#parts.store, organization, [...points.values()].map(raise))
      } catch (error) {
        this.#parts.log.warn({ organization, points: points.size, err: error }, 'acknowledgements not yet written')
        for (const acknowledgement of points.values()) this.receive(organization, acknowledgement)
      }
    }
  }
}

function raise({ resource, point, seq, atMs }: Acknowledgement): Step {
  return {
    do: 'touch',
    table: 'leases',
    where: { resource, point },
    set: { acknowledged_seq: seq, acknowledged_at_ms: atMs },
    olderThan: { column: 'acknowledged_seq', value: seq },
  }
}
