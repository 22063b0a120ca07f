import { type Batch, newId, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { Lineage } from '../store/port.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { batchEvent, FeedStream, pointEvent, retryEvent } from './feed_stream.ts'
import { commitSteps, endLease, type Lease, leasesAliveAt, pointName, rememberLease, rememberPage } from './leases.ts'
import { OrganizationFeed, toldBy } from './organization_feed.ts'
import { maxFacts, readBatch } from './page.ts'

/** Milliseconds, unless said otherwise. */
export type FeedSettings = {
  /** Streams one process holds; more are refused `overloaded`. */
  maxStreams: number
  /** Streams being opened at once; the rest are sent away to come back a little later. */
  maxOpening: number
  heartbeatMs: number
  /** How often the head row is read while someone listens. */
  pollMs: number
  /** A stream ends after this, give or take a tenth, and its caller comes back. */
  maxAgeMs: number
  /** Bytes a connection may lag behind before it is cut. */
  maxBufferedBytes: number
}

const defaults: FeedSettings = {
  maxStreams: 12_000,
  maxOpening: 512,
  heartbeatMs: 1_000,
  pollMs: 100,
  maxAgeMs: 15 * 60_000,
  maxBufferedBytes: 256 * 1024,
}

export type FeedParts = Pick<Services, 'store' | 'clock' | 'log'> & {
  /** Signs with the organization's active key: `signBatch(await activeKey(services, organization), batch)`. */
  sign(organization: Organization, batch: Batch): Promise<string>
  settings?: Partial<FeedSettings>
}

/** Who listens: the operator of a resource, from one running enforcement point. */
export type Subscriber = {
  resource: { id: string; audience: string; maxStalenessMs: number }
  agent: string
  /** What this enforcement point calls itself (`ept_…`); a new name when it has none. */
  point?: string | undefined
  /** Of its token, the token's own id included. */
  lineage: Lineage
  /** The `seq` it has come to. */
  after: number
  /** Comes back in the first batch, for calibration. */
  nonce?: string | undefined
}

/** Everything in this process that listens to revocations. */
export class FeedHub {
  readonly acknowledgements: Acknowledgements
  readonly #parts: FeedParts
  readonly #settings: FeedSettings
  readonly #feeds = new Map<string, OrganizationFeed>()
  /** Leases of streams that have ended, not yet written. */
  readonly #over = new Map<string, Lease[]>()
  readonly #stopListening: () => void
  #timer: NodeJS.Timeout | undefined
  #open = 0
  #opening = 0
  #closed = false

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.#settings = { ...defaults, ...parts.settings }
    this.acknowledgements = new Acknowledgements(parts)
    const look = (organization: string) => void this.tell(organization)
    const stops = [
      parts.store.onCommit(({ organization, facts }) => facts.length > 0 && look(organization)),
      parts.store.onHint(look),
    ]
    this.#stopListening = () =>
      stops.forEach((stop) => {
        stop()
      })
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#open
  }

  /**
   * Opens a stream. Its lease is on record before the first batch that grants it is made.
   *
   * @returns server-sent events: `retry`, `point`, then `batch` events; the first is the caller's own (nonce, lease), the
   *   others are the same for all.
   * @throws Refusal `overloaded` when there is no room.
   */
  async open(organization: Organization, subscriber: Subscriber): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const { maxStreams, maxOpening } = this.#settings
    if (this.#closed || this.#open + this.#opening >= maxStreams || this.#opening >= maxOpening) refuse('overloaded')
    this.#opening += 1
    try {
      const point = subscriber.point ?? newId('ept')
      const first = await this.#leasedBatch(organization, rememberLease, { ...subscriber, point })
      if (this.#closed) refuse('overloaded')
      const stream = this.#streamOf(organization, subscriber.lineage, first)
      stream.push(retryEvent())
      stream.push(pointEvent(point))
      stream.push(batchEvent(first.batch.to, first.compact))
      this.#join(organization, stream)
      return stream.body
    } finally {
      this.#opening -= 1
    }
  }

  /**
   * One signed batch of this subscriber's own: what comes after its cursor, its nonce, and its lease, put on record before.
   *
   * @param limit most facts in it
   */
  async page(organization: Organization, subscriber: Subscriber, limit: number): Promise<string> {
    const point = subscriber.point ?? newId('ept')
    return (await this.#leasedBatch(organization, rememberPage, { ...subscriber, point, limit })).compact
  }

  async #leasedBatch(
    organization: Organization,
    remember: typeof rememberLease,
    { resource, agent, point, after, nonce, limit }: Omit<Subscriber, 'lineage'> & { point: string; limit?: number },
  ): Promise<First> {
    const lease: Lease = {
      resource: resource.id,
      point: pointName(resource.id, agent, point),
      stalenessMs: resource.maxStalenessMs,
      seenAtMs: this.#parts.clock.nowMs(),
    }
    const head = await this.#parts.store.of(organization.id).head()
    // Whoever says it is further than anything given out has known another incarnation, and nothing of this one.
    await commitSteps(this.#parts.store, organization.id, remember(lease, after <= head.seq ? after : 0))
    const batch: Batch = {
      ...(await readBatch(this.#parts, organization, { after, limit: limit ?? maxFacts })),
      resource: resource.audience,
      lease_ms: lease.stalenessMs,
      ...(nonce !== undefined && { nonce }),
    }
    return { lease, batch, compact: await this.#parts.sign(organization, batch) }
  }

  /** Tells every stream of this organization what is new, now. Resolves when it has been sent. */
  async tell(organization: string): Promise<void> {
    await this.#feeds.get(organization)?.look()
  }

  /** Signs a batch that is nobody's in particular. */
  sign(organization: Organization, batch: Batch): Promise<string> {
    return this.#parts.sign(organization, batch)
  }

  /**
   * Takes note of how far an enforcement point has come.
   *
   * @throws Refusal `validation_failed` for a `seq` that was never given out, which would acknowledge what is yet to come, and
   *   when no point is named although the agent has none, or several, at this resource.
   */
  async acknowledge(
    organization: Organization,
    { resource, agent, point, seq }: { resource: string; agent: string; point?: string | undefined; seq: number },
  ): Promise<void> {
    const told = this.#feeds.get(organization.id)?.told ?? 0
    const given = seq <= told || seq <= (await this.#parts.store.of(organization.id).head()).seq
    if (!given) refuse('validation_failed', { detail: 'seq: no revocation has this number yet.' })
    const name =
      point === undefined ? await this.#onlyPoint(organization, resource, agent) : pointName(resource, agent, point)
    this.acknowledgements.receive(organization.id, { resource, point: name, seq, atMs: this.#parts.clock.nowMs() })
  }

  /** Ends every stream, so that its caller comes back elsewhere, and writes what is outstanding. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    clearInterval(this.#timer)
    for (const feed of this.#feeds.values()) {
      for (const stream of feed.streams) {
        stream.push(retryEvent())
        stream.end()
      }
    }
    await this.acknowledgements.flush()
    await this.#writeOver()
  }

  #streamOf(organization: Organization, lineage: Lineage, { lease, batch }: First): FeedStream {
    const { maxAgeMs, maxBufferedBytes } = this.#settings
    return new FeedStream({
      lease,
      lineage,
      told: toldBy(batch),
      endsAtMs: this.#parts.clock.monotonicMs() + maxAgeMs * (0.9 + Math.random() * 0.2),
      maxBufferedBytes,
      onEnd: (stream) => {
        this.#open -= 1
        this.#feeds.get(organization.id)?.streams.delete(stream)
        this.#over.set(organization.id, [...(this.#over.get(organization.id) ?? []), stream.lease])
      },
    })
  }

  #join(organization: Organization, stream: FeedStream): void {
    this.#open += 1
    this.#timer ??= setInterval(() => this.#tick(), this.#settings.pollMs)
    const feed = this.#feeds.get(organization.id) ?? new OrganizationFeed(this.#parts, organization, this.#settings)
    this.#feeds.set(organization.id, feed)
    feed.join(stream).catch((error: unknown) => {
      this.#parts.log.warn({ organization: organization.id, err: error }, 'a stream could not catch up')
      stream.end()
    })
  }

  #tick(): void {
    for (const [id, feed] of this.#feeds) {
      if (feed.streams.size > 0) void feed.look()
      else this.#feeds.delete(id)
    }
    void this.#writeOver()
    if (this.#feeds.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #writeOver(): Promise<void> {
    const taken = [...this.#over]
    this.#over.clear()
    for (const [organization, leases] of taken) {
      const nowMs = this.#parts.clock.nowMs()
      const steps = leases.map((lease) => endLease(lease, nowMs))
      await commitSteps(this.#parts.store, organization, steps).catch((error: unknown) => {
        // The row then says that the lease may run longer than it does: an answer that is late, not wrong.
        this.#parts.log.warn({ organization, leases: leases.length, err: error }, 'ended leases not written')
      })
    }
  }

  async #onlyPoint(organization: Organization, resource: string, agent: string): Promise<string> {
    const alive = await leasesAliveAt(this.#parts.store.of(organization.id), this.#parts.clock.nowMs(), { resource })
    const own = alive.filter(({ point }) => point.startsWith(pointName(resource, agent, '')))
    const [only] = own
    if (own.length === 1 && only) return only.point
    return refuse('validation_failed', {
      detail: 'point: name the one that acknowledges; the stream said what it is called.',
    })
  }
}

type First = { lease: Lease; batch: Batch; compact: string }
